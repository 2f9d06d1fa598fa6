"""Which parts of the image look at a word of the prompt, step by step of a diffusion; needs diffusers."""

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel

import visualizer as viz

# Random and small. Yours: DiffusionPipeline.from_pretrained(…), its unet, its tokenizer's pieces as words.
torch.manual_seed(0)
words = ["<start>", "a", "black", "cat", "on", "a", "red", "roof", "<end>"]
prompt = torch.randn(1, len(words), 64)
unet = UNet2DConditionModel(
    sample_size=32,
    block_out_channels=(32, 64),
    layers_per_block=1,
    norm_num_groups=8,
    down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
    cross_attention_dim=64,
    attention_head_dim=4,
).eval()
for name, module in unet.named_modules():  # only here, so that random words differ
    if name.endswith("attn2"):
        module.to_k.weight.data *= 6
scheduler = DDIMScheduler()
scheduler.set_timesteps(12)

latent = torch.randn(1, 4, 24, 32)
with torch.no_grad(), viz.capture(unet, modules="*.attn2") as run:
    for time in scheduler.timesteps:  # a pipeline's call does as well
        noise = unet(latent, time, encoder_hidden_states=prompt).sample
        latent = scheduler.step(noise, time, latent).prev_sample

run.label("*.attn2", keys=words)  # the cells of the latent image are known
print(run)
layer = "up_blocks.1.attentions.0.transformer_blocks.0.attn2"
figure = viz.plots.steps(run, layer=layer, head=3, text="cat", calls=[0, 2, 5, 8, 11], width=7)
figure.savefig("diffusion_word.png", dpi=100)
