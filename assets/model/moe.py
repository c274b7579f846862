"""A small mixture-of-experts decoder (the block of qwen3moe) with forward and backward
pass written by hand, for fast training on a CPU.

Residual stream and master weights are float32, activations and matrix products bfloat16
(fast on CPUs with AVX512-BF16; elsewhere right, only slower). Element-wise work is fused
in kernels.c. reference.py is the same model in plain float32 and checks this file.
"""
import ctypes
import math
import os
import subprocess
import warnings
from types import SimpleNamespace

import torch

CFG = dict(vocab=4096, d=256, layers=6, heads=4, kv=2, hd=64, experts=16, topk=2, ff=128,
           eps=1e-6, theta=10000.0)
BF16 = torch.bfloat16


class Long(int):
    """An int that a kernel takes as a C `long`."""


def load_kernels(build_dir):
    """Compile kernels.c into `build_dir`, if need be, and give call(name, arguments…)."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels.c")
    library = os.path.join(build_dir, "kernels.so")
    if not os.path.exists(library) or os.path.getmtime(library) < os.path.getmtime(source):
        subprocess.check_call(["cc", "-O3", "-march=native", "-ffast-math", "-fopenmp",
                               "-shared", "-fPIC", source, "-o", library, "-lm"])
    # -ffast-math switches subnormal numbers off for the process, which numpy remarks on
    warnings.filterwarnings("ignore", message=".*smallest subnormal.*")
    loaded = ctypes.CDLL(library)

    def to_c(x):
        if x is None:
            return ctypes.c_void_p(0)
        if torch.is_tensor(x):
            if not x.is_contiguous():
                raise ValueError("a kernel needs contiguous tensors")
            return ctypes.c_void_p(x.data_ptr())
        if isinstance(x, float):
            return ctypes.c_float(x)
        return ctypes.c_long(x) if isinstance(x, Long) else ctypes.c_int(x)

    def call(name, *arguments):
        getattr(loaded, name)(*map(to_c, arguments))

    return call


def init(cfg, seed=0):
    """Fresh parameters, by name; "3.wqkv" belongs to layer 3."""
    g = torch.Generator().manual_seed(seed)
    d, n_expert, ff = cfg["d"], cfg["experts"], cfg["ff"]

    def normal(scale, *shape):
        return torch.randn(*shape, generator=g) * scale

    out_scale = d ** -0.5 / math.sqrt(2 * cfg["layers"])
    params = {"emb": normal(0.04, cfg["vocab"], d), "norm": torch.ones(d)}
    for i in range(cfg["layers"]):
        params[f"{i}.n1"] = torch.ones(d)
        params[f"{i}.n2"] = torch.ones(d)
        params[f"{i}.qn"] = torch.ones(cfg["hd"])
        params[f"{i}.kn"] = torch.ones(cfg["hd"])
        params[f"{i}.wqkv"] = normal(d ** -0.5, (cfg["heads"] + 2 * cfg["kv"]) * cfg["hd"], d)
        params[f"{i}.wo"] = normal(out_scale, d, cfg["heads"] * cfg["hd"])
        params[f"{i}.wr"] = normal(0.02, n_expert, d)
        params[f"{i}.wgu"] = normal(d ** -0.5, n_expert, 2 * ff, d)
        params[f"{i}.wd"] = normal(out_scale, n_expert, d, ff)
    return params


def rope_tables(cfg, n_token):
    """cos and sin, [n_token][hd / 2], angles computed in double precision."""
    exponent = -torch.arange(0, cfg["hd"], 2, dtype=torch.float64) / cfg["hd"]
    position = torch.arange(n_token, dtype=torch.float64)
    angle = position[:, None] * (cfg["theta"] ** exponent)[None]
    return angle.cos().float().contiguous(), angle.sin().float().contiguous()


def empty(*shape, dtype=BF16):
    return torch.empty(*shape, dtype=dtype)


def floats(*shape):
    return empty(*shape, dtype=torch.float32)


class Model:
    def __init__(self, cfg, params, call):
        """call: what load_kernels() gave."""
        self.cfg, self.params, self.call = cfg, params, call
        self.grads = {name: torch.zeros_like(p) for name, p in params.items()}
        self.tables = {}

    def step(self, tokens, targets, train=True, aux=0.01, stats=None):
        """tokens, targets: int64 [B][T]. Gives the losses [B][T]; with `train`, fills
        self.grads. `stats` collects per layer (ids, weights, mean probabilities)."""
        b, t = tokens.shape
        n = b * t
        if t not in self.tables:
            self.tables[t] = rope_tables(self.cfg, t)
        # matrices in bfloat16; routers stay float32, for their choices are delicate
        self.w = {name: p.to(BF16) for name, p in self.params.items()
                  if p.dim() > 1 and not name.endswith("wr")}
        x = self.params["emb"].index_select(0, tokens.reshape(-1))
        saved = []
        for i in range(self.cfg["layers"]):
            att = self.attention(i, x, b, t)
            ffn = self.experts(i, att.out)
            if stats is not None:
                stats.append((ffn.ids.view(b, t, -1), ffn.weight.view(b, t, -1),
                              ffn.p.mean(0)))
            if train:
                saved.append((att, ffn))
            x = ffn.out

        h, rstd = self.norm("norm", x)
        logits = h @ self.w["emb"].t()
        loss = floats(n)
        self.call("cross_entropy", logits, targets.reshape(-1).contiguous(), loss, Long(n),
                  self.cfg["vocab"], 1.0 / n)
        if train:  # logits hold their gradients now
            for g in self.grads.values():
                g.zero_()
            self.grads["emb"] += logits.t() @ h
            dx = torch.zeros(n, self.cfg["d"])
            self.norm_back("norm", x, rstd, (logits @ self.w["emb"]).float(), dx)
            del logits
            for i in reversed(range(self.cfg["layers"])):
                att, ffn = saved.pop()
                self.experts_back(i, ffn, dx, aux)
                self.attention_back(i, att, dx, b, t)
            self.grads["emb"].index_add_(0, tokens.reshape(-1), dx)
        return loss.view(b, t)

    def norm(self, name, x):
        n, d = x.shape
        h, rstd = empty(n, d), floats(n)
        self.call("rms_fwd", x, self.params[name], h, rstd, Long(n), d, self.cfg["eps"])
        return h, rstd

    def norm_back(self, name, x, rstd, dy, dx):
        """dx += …"""
        n, d = x.shape
        self.call("rms_bwd", x, self.params[name], rstd, dy, dx, self.grads[name], Long(n), d)

    def attention(self, i, x, b, t):
        c, s = self.cfg, SimpleNamespace(x=x)
        n_head, n_kv, dim = c["heads"], c["kv"], c["hd"]
        s.h, s.rstd = self.norm(f"{i}.n1", x)
        s.qkv = s.h @ self.w[f"{i}.wqkv"].t()
        q, k, v = empty(b, n_head, t, dim), empty(b, n_kv, t, dim), empty(b, n_kv, t, dim)
        s.rstd_qk = floats(b * t * (n_head + n_kv))
        self.call("qkv_fwd", s.qkv, self.params[f"{i}.qn"], self.params[f"{i}.kn"],
                  *self.tables[t], q, k, v, s.rstd_qk, b, t, n_head, n_kv, dim, c["eps"])
        # the query heads of one key head are rows of one product
        s.q = q.view(b * n_kv, n_head // n_kv * t, dim)
        s.k, s.v = k.view(b * n_kv, t, dim), v.view(b * n_kv, t, dim)
        s.p = torch.bmm(s.q, s.k.transpose(1, 2))
        self.call("softmax_fwd", s.p, Long(b * n_head * t), t, dim ** -0.5)
        heads = torch.bmm(s.p, s.v).view(b, n_head, t, dim)
        s.o = heads.transpose(1, 2).reshape(b * t, n_head * dim)
        s.out = x + (s.o @ self.w[f"{i}.wo"].t())
        return s

    def attention_back(self, i, s, dx, b, t):
        """dx: gradient of the block's output; on return, that of its input."""
        c = self.cfg
        n_head, n_kv, dim = c["heads"], c["kv"], c["hd"]
        dout = dx.to(BF16)
        self.grads[f"{i}.wo"].copy_(dout.t() @ s.o)
        do = (dout @ self.w[f"{i}.wo"]).view(b, t, n_head, dim).transpose(1, 2)
        do = do.reshape(b * n_kv, n_head // n_kv * t, dim)
        dp = torch.bmm(do, s.v.transpose(1, 2))
        dv = torch.bmm(s.p.transpose(1, 2), do).contiguous()
        self.call("softmax_bwd", s.p, dp, Long(b * n_head * t), t, dim ** -0.5)
        dq = torch.bmm(dp, s.k).contiguous()
        dk = torch.bmm(dp.transpose(1, 2), s.q).contiguous()
        dqkv = empty(b * t, (n_head + 2 * n_kv) * dim)
        self.call("qkv_bwd", s.qkv, self.params[f"{i}.qn"], self.params[f"{i}.kn"],
                  *self.tables[t], dq, dk, dv, s.rstd_qk, dqkv, self.grads[f"{i}.qn"],
                  self.grads[f"{i}.kn"], b, t, n_head, n_kv, dim)
        self.grads[f"{i}.wqkv"].copy_(dqkv.t() @ s.h)
        self.norm_back(f"{i}.n1", s.x, s.rstd, (dqkv @ self.w[f"{i}.wqkv"]).float(), dx)

    def experts(self, i, x):
        c, s = self.cfg, SimpleNamespace(x=x)
        n, d, k, ff = x.size(0), c["d"], c["topk"], c["ff"]
        s.h, s.rstd = self.norm(f"{i}.n2", x)
        s.hf = s.h.float()
        s.p = torch.softmax(s.hf @ self.params[f"{i}.wr"].t(), -1)
        s.top, s.ids = s.p.topk(k, -1)
        s.weight = (s.top / s.top.sum(-1, keepdim=True)).contiguous()
        # slots (token, choice) sorted by expert: an expert's rows are one range
        order = s.ids.reshape(-1).argsort()
        s.count = torch.bincount(s.ids.reshape(-1), minlength=c["experts"])
        end = s.count.cumsum(0).tolist()
        s.ranges = [(e, a, z) for e, (a, z) in enumerate(zip([0] + end, end)) if z > a]
        s.pos = torch.empty_like(order)
        s.pos[order] = torch.arange(n * k)
        s.xs = s.h.index_select(0, order // k)
        s.gate_up, s.act, s.y = empty(n * k, 2 * ff), empty(n * k, ff), empty(n * k, d)
        for e, a, z in s.ranges:
            torch.mm(s.xs[a:z], self.w[f"{i}.wgu"][e].t(), out=s.gate_up[a:z])
        self.call("swiglu_fwd", s.gate_up, s.act, Long(n * k), ff)
        for e, a, z in s.ranges:
            torch.mm(s.act[a:z], self.w[f"{i}.wd"][e].t(), out=s.y[a:z])
        s.out = x.clone()
        self.call("combine_fwd", s.out, s.y, s.weight, s.pos, Long(n), k, d)
        return s

    def experts_back(self, i, s, dx, aux):
        c = self.cfg
        n, d, k, ff, n_expert = s.x.size(0), c["d"], c["topk"], c["ff"], c["experts"]
        dy, dweight = empty(n * k, d), torch.empty(n, k)
        self.call("combine_bwd", dx, s.y, s.weight, s.pos, dy, dweight, Long(n), k, d)
        dact, dgate_up, dxs = empty(n * k, ff), empty(n * k, 2 * ff), empty(n * k, d)
        gd = torch.zeros(n_expert, d, ff, dtype=BF16)
        ggu = torch.zeros(n_expert, 2 * ff, d, dtype=BF16)
        for e, a, z in s.ranges:
            torch.mm(dy[a:z], self.w[f"{i}.wd"][e], out=dact[a:z])
            torch.mm(dy[a:z].t(), s.act[a:z], out=gd[e])
        self.call("swiglu_bwd", s.gate_up, dact, dgate_up, Long(n * k), ff)
        for e, a, z in s.ranges:
            torch.mm(dgate_up[a:z], self.w[f"{i}.wgu"][e], out=dxs[a:z])
            torch.mm(dgate_up[a:z].t(), s.xs[a:z], out=ggu[e])
        self.grads[f"{i}.wd"].copy_(gd)
        self.grads[f"{i}.wgu"].copy_(ggu)

        # router: through the renormalized weights, and the load-balancing loss
        dtop = dweight - (dweight * s.weight).sum(-1, keepdim=True)
        share = s.count.float() / (n * k)
        dp = (aux * n_expert / n * share).expand(n, n_expert).clone()
        dp.scatter_add_(1, s.ids, dtop / s.top.sum(-1, keepdim=True))
        dlogit = s.p * (dp - (dp * s.p).sum(-1, keepdim=True))
        self.grads[f"{i}.wr"] += dlogit.t() @ s.hf
        dh = dlogit @ self.params[f"{i}.wr"]
        self.call("combine_fwd", dh, dxs, None, s.pos, Long(n), k, d)
        self.norm_back(f"{i}.n2", s.x, s.rstd, dh, dx)
