"""A vision transformer in the style of facebookresearch/dino: Caron et al., ICCV 2021. As small as can be."""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, dim, num_heads=2):
        super().__init__()
        self.num_heads, self.scale = num_heads, (dim // num_heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dim, dim * 3), nn.Linear(dim, dim)

    def forward(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        attn = (q @ k.transpose(-2, -1)) * self.scale
        attn = attn.softmax(dim=-1)
        x = (attn @ v).transpose(1, 2).reshape(B, N, C)
        return self.proj(x), attn


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm1, self.norm2, self.attn = nn.LayerNorm(dim), nn.LayerNorm(dim), Attention(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))[0]
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch_size, embed_dim):
        super().__init__()
        self.proj = nn.Conv2d(3, embed_dim, kernel_size=patch_size, stride=patch_size)

    def forward(self, x):
        return self.proj(x).flatten(2).transpose(1, 2)


class VisionTransformer(nn.Module):
    def __init__(self, extra=(), embed_dim=16, depth=2):
        super().__init__()
        self.patch_embed = PatchEmbed(8, embed_dim)
        self.cls_token = nn.Parameter(torch.randn(1, 1, embed_dim))
        for name, count in extra:
            setattr(self, name, nn.Parameter(torch.randn(1, count, embed_dim)))
        self.extra = [name for name, _ in extra]
        self.pos_embed = nn.Parameter(torch.randn(1, 24, embed_dim))
        self.blocks = nn.ModuleList(Block(embed_dim) for _ in range(depth))
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, x):
        B = x.shape[0]
        x = self.patch_embed(x) + self.pos_embed
        before = [self.cls_token, *(getattr(self, name) for name in self.extra)]
        x = torch.cat([*(one.expand(B, -1, -1) for one in before), x], dim=1)
        for blk in self.blocks:
            x = blk(x)
        return self.norm(x)[:, 0]
