"""The model once more: plain float32 with automatic gradients, for checking moe.py.

usage: reference.py          compares every gradient of moe.py with the automatic one
"""
import tempfile

import torch
from torch.nn import functional

import moe


def rms(x, w, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * w


def rotate(x, cosine, sine):
    a, b = x.chunk(2, -1)
    return torch.cat([a * cosine - b * sine, a * sine + b * cosine], -1)


def attention(cfg, params, i, x):
    n_batch, n_token, _ = x.shape
    n_head, n_kv, dim = cfg["heads"], cfg["kv"], cfg["hd"]
    cosine, sine = (t[None, :, None] for t in moe.rope_tables(cfg, n_token))
    qkv = rms(x, params[f"{i}.n1"], cfg["eps"]) @ params[f"{i}.wqkv"].t()
    q, k, v = (part.view(n_batch, n_token, -1, dim)
               for part in qkv.split([n_head * dim, n_kv * dim, n_kv * dim], -1))
    q = rotate(rms(q, params[f"{i}.qn"], cfg["eps"]), cosine, sine).transpose(1, 2)
    k = rotate(rms(k, params[f"{i}.kn"], cfg["eps"]), cosine, sine).transpose(1, 2)
    k = k.repeat_interleave(n_head // n_kv, 1)
    v = v.transpose(1, 2).repeat_interleave(n_head // n_kv, 1)
    future = torch.full((n_token, n_token), float("-inf")).triu(1)
    p = torch.softmax(q @ k.transpose(-1, -2) * dim ** -0.5 + future, -1)
    return (p @ v).transpose(1, 2).reshape(n_batch, n_token, -1) @ params[f"{i}.wo"].t()


def experts(cfg, params, i, x, routing):
    h = rms(x, params[f"{i}.n2"], cfg["eps"]).view(-1, cfg["d"])
    p = torch.softmax(h @ params[f"{i}.wr"].t(), -1)
    top, ids = p.topk(cfg["topk"], -1)
    weight = top / top.sum(-1, keepdim=True)
    if routing is not None:
        routing.append((p, ids))
    out = torch.zeros_like(h)
    for e in range(cfg["experts"]):
        row, slot = (ids == e).nonzero(as_tuple=True)
        if len(row) == 0:
            continue
        gate, up = (h[row] @ params[f"{i}.wgu"][e].t()).split(cfg["ff"], -1)
        y = (functional.silu(gate) * up) @ params[f"{i}.wd"][e].t()
        out = out.index_add(0, row, y * weight[row, slot, None])
    return out.view_as(x)


def logits(cfg, params, tokens, routing=None):
    """tokens [B][T] -> logits [B][T][vocab]; `routing` collects (probabilities, ids)."""
    x = params["emb"][tokens]
    for i in range(cfg["layers"]):
        x = x + attention(cfg, params, i, x)
        x = x + experts(cfg, params, i, x, routing)
    return rms(x, params["norm"], cfg["eps"]) @ params["emb"].t()


def balance_loss(cfg, routing):
    """The load-balancing loss: E * sum over experts of share used * mean probability."""
    total = 0
    for p, ids in routing:
        share = torch.bincount(ids.reshape(-1), minlength=cfg["experts"]).float() / ids.numel()
        total = total + cfg["experts"] * (share * p.mean(0)).sum()
    return total


def main():
    aux, vocab = 0.01, 512
    cfg = dict(moe.CFG, layers=2, vocab=vocab)
    params = moe.init(cfg, 1)
    torch.manual_seed(0)
    for name, p in params.items():
        if name.endswith("wr"):
            p.mul_(3)  # clear routing: rounding should not change the choice
        if p.dim() == 1:
            p.add_(torch.randn_like(p) * 0.2)
    tokens = torch.randint(0, vocab, (3, 65))
    inputs, targets = tokens[:, :-1].contiguous(), tokens[:, 1:].contiguous()

    with tempfile.TemporaryDirectory() as folder:
        model = moe.Model(cfg, params, moe.load_kernels(folder))
        with torch.no_grad():
            loss = model.step(inputs, targets, aux=aux).mean().item()

    free = {name: p.clone().requires_grad_() for name, p in params.items()}
    routing = []
    out = logits(cfg, free, inputs, routing)
    wanted = functional.cross_entropy(out.reshape(-1, vocab), targets.reshape(-1))
    (wanted + aux * balance_loss(cfg, routing)).backward()
    print(f"loss {loss:.5f}, reference {wanted.item():.5f}")
    worst = 1.0
    for name in params:
        a, b = model.grads[name].flatten(), free[name].grad.flatten()
        cosine = functional.cosine_similarity(a, b, 0).item()
        worst = min(worst, cosine)
        print(f"{name:8s} cosine {cosine:.5f}  norms {a.norm():.5f} {b.norm():.5f}")
    if worst < 0.99:  # activations are rounded to 8 bits of mantissa
        raise SystemExit(f"a gradient is wrong: cosine {worst:.4f}")


if __name__ == "__main__":
    main()
