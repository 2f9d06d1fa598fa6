"""A detector in the style of facebookresearch/detr: Carion et al., ECCV 2020. As small as can be."""

import torch
from torch import nn


class EncoderLayer(nn.Module):
    def __init__(self, d_model, nhead):
        super().__init__()
        self.self_attn, self.norm1 = nn.MultiheadAttention(d_model, nhead), nn.LayerNorm(d_model)

    def forward(self, src, pos):
        q = k = src + pos
        return self.norm1(src + self.self_attn(q, k, value=src)[0])


class DecoderLayer(nn.Module):
    def __init__(self, d_model, nhead):
        super().__init__()
        self.self_attn = nn.MultiheadAttention(d_model, nhead)
        self.multihead_attn = nn.MultiheadAttention(d_model, nhead)
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)

    def forward(self, tgt, memory, pos, query_pos):
        q = k = tgt + query_pos
        tgt = self.norm1(tgt + self.self_attn(q, k, value=tgt)[0])
        looked = self.multihead_attn(query=tgt + query_pos, key=memory + pos, value=memory)[0]
        return self.norm2(tgt + looked)


class TransformerEncoder(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, output, pos):
        for layer in self.layers:
            output = layer(output, pos)
        return output


class TransformerDecoder(nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, output, memory, pos, query_pos):
        for layer in self.layers:
            output = layer(output, memory, pos, query_pos)
        return output


class Transformer(nn.Module):
    def __init__(self, d_model=16, nhead=2, layers=2):
        super().__init__()
        self.encoder = TransformerEncoder(EncoderLayer(d_model, nhead) for _ in range(layers))
        self.decoder = TransformerDecoder(DecoderLayer(d_model, nhead) for _ in range(layers))

    def forward(self, src, mask, query_embed, pos_embed):
        bs, c, h, w = src.shape
        src, pos_embed = src.flatten(2).permute(2, 0, 1), pos_embed.flatten(2).permute(2, 0, 1)
        query_embed = query_embed.unsqueeze(1).repeat(1, bs, 1)
        memory = self.encoder(src, pos_embed)
        hs = self.decoder(torch.zeros_like(query_embed), memory, pos_embed, query_embed)
        return hs.transpose(0, 1), memory.permute(1, 2, 0).view(bs, c, h, w)


class DETR(nn.Module):
    def __init__(self, num_queries=5, hidden_dim=16):
        super().__init__()
        strided = (nn.Conv2d(i, 8, 3, stride=2, padding=1) for i in (3, 8, 8))
        self.backbone = nn.Sequential(*(one for conv in strided for one in (conv, nn.ReLU())))
        self.input_proj = nn.Conv2d(8, hidden_dim, kernel_size=1)
        self.query_embed = nn.Embedding(num_queries, hidden_dim)
        self.transformer = Transformer(hidden_dim)

    def forward(self, samples):
        src = self.input_proj(self.backbone(samples))
        pos = torch.linspace(0, 1, src[0].numel(), dtype=src.dtype).view(1, *src.shape[1:]).expand_as(src)
        return self.transformer(src, None, self.query_embed.weight, pos)[0]
