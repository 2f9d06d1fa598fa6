"""A pyramid vision transformer in the style of whai362/PVT: Wang et al., ICCV 2021. As small as can be."""

import torch
from torch import nn


class Attention(nn.Module):
    def __init__(self, dim, num_heads=2, sr_ratio=1):
        super().__init__()
        self.num_heads, self.scale, self.sr_ratio = num_heads, (dim // num_heads) ** -0.5, sr_ratio
        self.q, self.kv, self.proj = nn.Linear(dim, dim), nn.Linear(dim, dim * 2), nn.Linear(dim, dim)
        if sr_ratio > 1:
            self.sr = nn.Conv2d(dim, dim, kernel_size=sr_ratio, stride=sr_ratio)
            self.norm = nn.LayerNorm(dim)

    def forward(self, x, H, W):
        B, N, C = x.shape
        q = self.q(x).reshape(B, N, self.num_heads, C // self.num_heads).permute(0, 2, 1, 3)
        if self.sr_ratio > 1:
            x = x.permute(0, 2, 1).reshape(B, C, H, W)
            x = self.norm(self.sr(x).reshape(B, C, -1).permute(0, 2, 1))
        kv = self.kv(x).reshape(B, -1, 2, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        k, v = kv[0], kv[1]
        attn = (q @ k.transpose(-2, -1)) * self.scale
        attn = attn.softmax(dim=-1)
        x = (attn @ v).transpose(1, 2).reshape(B, N, C)
        return self.proj(x)


class Block(nn.Module):
    def __init__(self, dim, sr_ratio):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = Attention(dim, sr_ratio=sr_ratio)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x, H, W):
        x = x + self.attn(self.norm1(x), H, W)
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, patch_size, in_chans, embed_dim):
        super().__init__()
        self.proj = nn.Conv2d(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)
        self.norm = nn.LayerNorm(embed_dim)

    def forward(self, x):
        x = self.proj(x)
        H, W = x.shape[2:]
        return self.norm(x.flatten(2).transpose(1, 2)), (H, W)


class PyramidVisionTransformer(nn.Module):
    def __init__(self, embed_dims=(8, 16, 16), sr_ratios=(4, 2, 1), depth=2):
        super().__init__()
        self.num_stages = len(embed_dims)
        for i, (dim, ratio) in enumerate(zip(embed_dims, sr_ratios)):
            embed = PatchEmbed(2 if i else 4, embed_dims[i - 1] if i else 3, dim)
            setattr(self, f"patch_embed{i + 1}", embed)
            setattr(self, f"block{i + 1}", nn.ModuleList(Block(dim, ratio) for _ in range(depth)))
        self.cls_token = nn.Parameter(torch.randn(1, 1, embed_dims[-1]))
        self.norm = nn.LayerNorm(embed_dims[-1])

    def forward(self, x):
        B = x.shape[0]
        for i in range(self.num_stages):
            x, (H, W) = getattr(self, f"patch_embed{i + 1}")(x)
            is_last = i == self.num_stages - 1
            if is_last:
                x = torch.cat((self.cls_token.expand(B, -1, -1), x), dim=1)
            for blk in getattr(self, f"block{i + 1}"):
                x = blk(x, H, W)
            if not is_last:
                x = x.reshape(B, H, W, -1).permute(0, 3, 1, 2).contiguous()
        return self.norm(x)[:, 0]
