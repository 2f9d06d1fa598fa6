def test_what_was_recorded_is_a_table(run, bert):
    code, output, progress = run("capture", bert, "--text", "The bank.", "--modules", "*.layer.[01].*")
    assert code == 0
    assert output.count("scaled_dot_product_attention") == 2
    assert "checked 2/2 calls" in output
    assert f"loading {bert}" in progress


def test_a_wrong_option_is_one_sentence(run, bert):
    code, _, said = run("capture", bert, "--modules", "nowhere")
    assert code == 2
    assert said.splitlines()[-1].startswith("visualizer: modules='nowhere' was asked for, but no module")
