"""forward.py - a plain float64 forward pass of MoE transformers, written from the papers
and configurations that make_cases.py names. It shares nothing with the engine: whole
texts at once, no cache, no batches.

`c` is a dictionary of a case's numbers, `w` its weights by GGUF tensor name.
"""
import numpy as np


def rms(x, w, eps):
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps) * w


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def silu(x):
    return x / (1 + np.exp(-x))


# ---- rotary embedding ------------------------------------------------------------------

def yarn(c, freq):
    """arXiv 2309.00071, section 3.2: frequencies between scaled and unscaled."""
    n, y = c["n_rot"], c["yarn"]

    def dim_of(turns):
        return n * np.log(y["orig"] / (turns * 2 * np.pi)) / (2 * np.log(c["base"]))

    low, high = max(np.floor(dim_of(y["fast"])), 0), min(np.ceil(dim_of(y["slow"])), n - 1)
    ramp = np.clip((np.arange(n // 2) - low) / max(high - low, 0.001), 0, 1)
    return freq / y["factor"] * ramp + freq * (1 - ramp)


def frequencies(c, w):
    freq = c["base"] ** (-np.arange(0, c["n_rot"], 2) / c["n_rot"])
    if "long" in c:  # arXiv 2402.13753: the text's room decides which divisors
        freq = freq / w["rope_factors_long.weight" if c["long"] else "rope_factors_short.weight"]
    return yarn(c, freq) if "yarn" in c else freq


def rotate(c, w, x):
    """x [token][head][dim]: the first n_rot of dim turn, in pairs."""
    freq = frequencies(c, w)
    angle = np.arange(x.shape[0])[:, None] * freq
    cos, sin = (f(angle)[:, None, :] * c.get("rope_size", 1) for f in (np.cos, np.sin))
    n = c["n_rot"]
    y = x.copy()
    if c["pairs"] == "adjacent":
        a, b = x[..., 0:n:2], x[..., 1:n:2]
        y[..., 0:n:2], y[..., 1:n:2] = a * cos - b * sin, a * sin + b * cos
    else:
        a, b = x[..., :n // 2], x[..., n // 2:n]
        y[..., :n // 2], y[..., n // 2:n] = a * cos - b * sin, a * sin + b * cos
    return y


# ---- attention --------------------------------------------------------------------------

def attend(q, k, v, scale, window):
    """q [token][head][dim], k and v with fewer heads; causal; `window` 0 = no bound."""
    n, heads = q.shape[:2]
    group = heads // k.shape[1]
    out = np.zeros((n, heads, v.shape[2]))
    ago = np.arange(n)[:, None] - np.arange(n)[None, :]
    hidden = (ago < 0) | ((ago >= window) if window else False)
    for h in range(heads):
        score = q[:, h] @ k[:, h // group].T * scale
        score[hidden] = -np.inf
        out[:, h] = softmax(score) @ v[:, h // group]
    return out.reshape(n, -1)


def attention(c, w, blk, il, x):
    n, heads, kv, dim = len(x), c["n_head"], c["n_head_kv"], c["head_dim"]

    def project(name):
        return x @ w[blk + name + ".weight"].T + w.get(blk + name + ".bias", 0)

    q, k, v = project("attn_q"), project("attn_k"), project("attn_v")
    if c.get("qk_norm") == "row":
        q = rms(q, w[blk + "attn_q_norm.weight"], c["eps"])
        k = rms(k, w[blk + "attn_k_norm.weight"], c["eps"])
    q, k, v = q.reshape(n, heads, dim), k.reshape(n, kv, dim), v.reshape(n, kv, dim)
    if c.get("qk_norm") == "head":
        q = rms(q, w[blk + "attn_q_norm.weight"], c["eps"])
        k = rms(k, w[blk + "attn_k_norm.weight"], c["eps"])
    full = c.get("window", 0) and il % 4 == 0  # SmallThinker: these see all, unrotated
    if not full:
        q, k = rotate(c, w, q), rotate(c, w, k)
    scale = c.get("attn_scale", dim ** -0.5)
    out = attend(q, k, v, scale, 0 if full else c.get("window", 0))
    return out @ w[blk + "attn_output.weight"].T + w.get(blk + "attn_output.bias", 0)


def latent_attention(c, w, blk, x):
    """arXiv 2405.04434, section 2.1, with every head's keys and values written out."""
    n, heads, rot, lora = len(x), c["n_head"], c["n_rot"], c["kv_lora"]
    low = rms(x @ w[blk + "attn_q_a.weight"].T, w[blk + "attn_q_a_norm.weight"], c["eps"])
    q = (low @ w[blk + "attn_q_b.weight"].T).reshape(n, heads, -1)
    nope = q.shape[2] - rot
    q = np.concatenate([q[..., :nope], rotate(c, w, q[..., nope:])], axis=2)

    kv = x @ w[blk + "attn_kv_a_mqa.weight"].T
    latent = rms(kv[:, :lora], w[blk + "attn_kv_a_norm.weight"], c["eps"])
    shared = rotate(c, w, kv[:, None, lora:])
    k_up = w[blk + "attn_k_b.weight"]  # [head][lora][nope]
    v_up = w[blk + "attn_v_b.weight"]  # [head][value][lora]
    k = np.einsum("tl,hld->thd", latent, k_up)
    k = np.concatenate([k, np.repeat(shared, heads, axis=1)], axis=2)
    v = np.einsum("tl,hvl->thv", latent, v_up)
    scale = q.shape[2] ** -0.5
    if "yarn" in c:  # softmax_scale * mscale^2, mscale = 0.1 mscale_all_dim ln(factor) + 1
        scale *= (c["yarn"]["log_mul"] * np.log(c["yarn"]["factor"]) + 1) ** 2
    return attend(q, k, v, scale, 0) @ w[blk + "attn_output.weight"].T


# ---- experts -----------------------------------------------------------------------------

def choose(c, logits):
    """One token: ids by falling score, their weights, and how near the choice was."""
    score = {"softmax": softmax, "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
             "logit": lambda z: z}[c["score"]](logits)
    pick, margin = score.copy(), np.inf
    if "groups" in c:
        n, used = c["groups"]
        best = score.reshape(n, -1).max(1)  # V2: a group is as good as its best expert
        order = np.argsort(-best, kind="stable")
        margin = best[order[used - 1]] - best[order[used]]
        per = len(score) // n
        for g in order[used:]:
            pick[g * per:(g + 1) * per] = -np.inf
    order = np.argsort(-pick, kind="stable")
    k = c["n_used"]
    if k < len(pick):
        margin = min(margin, pick[order[k - 1]] - pick[order[k]])
    weight = score[order[:k]]
    if c["score"] == "logit":
        weight = softmax(weight)
    if c.get("renorm"):
        weight = weight / weight.sum()
    return order[:k], weight * c.get("weight_scale", 1), margin


def glu(c, x, gate, up, down):
    act = silu if c.get("act", "silu") == "silu" else lambda z: np.maximum(z, 0)
    return (act(x @ gate.T) * (x @ up.T)) @ down.T


def experts(c, w, blk, router_in, x, routing):
    out = np.zeros_like(x)
    logits = router_in @ w[blk + "ffn_gate_inp.weight"].T
    ids, weights, margins = [], [], []
    for t in range(len(x)):
        i, p, m = choose(c, logits[t])
        for e, v in zip(i, p):
            out[t] += v * glu(c, x[t], *(w[blk + f"ffn_{s}_exps.weight"][e]
                                         for s in ("gate", "up", "down")))
        ids.append(i.tolist())
        weights.append(p.tolist())
        margins.append(float(m) if np.isfinite(m) else 1.0)
    routing.append((ids, weights, margins))
    if c.get("shared"):
        out = out + glu(c, x, *(w[blk + f"ffn_{s}_shexp.weight"] for s in ("gate", "up", "down")))
    return out


# ---- the whole ---------------------------------------------------------------------------

def layer(c, w, il, x, routing):
    blk, res = f"blk.{il}.", c.get("residual_scale", 1)
    raw = x
    h = rms(x, w[blk + "attn_norm.weight"], c["eps"]) + w.get(blk + "attn_norm.bias", 0)
    h = latent_attention(c, w, blk, h) if "kv_lora" in c else attention(c, w, blk, il, h)
    x = x + res * h
    h = rms(x, w[blk + "ffn_norm.weight"], c["eps"]) + w.get(blk + "ffn_norm.bias", 0)
    if il < c.get("n_dense", 0):
        h = glu(c, h, *(w[blk + f"ffn_{s}.weight"] for s in ("gate", "up", "down")))
    else:
        h = experts(c, w, blk, raw if c.get("router_raw") else h, h, routing)
    return x + res * h


def forward(c, w, ids):
    """Logits [token][vocab], and of every routing layer (ids, weights, margins)."""
    routing = []
    x = w["token_embd.weight"][ids] * c.get("embd_scale", 1)
    for il in range(c["n_layer"]):
        x = layer(c, w, il, x, routing)
    x = rms(x, w["output_norm.weight"], c["eps"]) + w.get("output_norm.bias", 0)
    out = x @ w.get("output.weight", w["token_embd.weight"]).T + w.get("output.bias", 0)
    return out / c.get("logit_divisor", 1), routing
