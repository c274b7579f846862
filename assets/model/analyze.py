"""How a checkpoint uses its experts: balance per layer, specialization per domain.

usage: analyze.py CKPT TOK.json TOKENS.npz [OUT.json]

Usage counts routing slots (a token has top-k of them) on held-out text. JS is the
Jensen-Shannon divergence between the usage of two domains in bits (0 = the same experts,
1 = none in common); MI is the mutual information of domain and chosen expert.
"""
import json
import sys
import tempfile

import numpy as np
import torch

import moe
from tokenizer import Tokenizer
from train import DOMAINS, MIX

WINDOW, MAX_WINDOWS, BATCH = 256, 48, 8


def entropy(p):
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def divergence(p, q):
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


class Usage:
    """Counts over the held-out text: slots per layer, domain and expert, and tokens."""

    def __init__(self, cfg):
        self.k = cfg["topk"]
        self.slots = np.zeros((cfg["layers"], len(DOMAINS), cfg["experts"]))
        self.tokens = np.zeros((cfg["layers"], cfg["experts"], cfg["vocab"]), np.float32)

    def add(self, layer, domain, expert_ids, token_ids):
        experts = expert_ids.reshape(-1, self.k).numpy()
        self.slots[layer, domain] += np.bincount(experts.reshape(-1),
                                                 minlength=self.slots.shape[2])
        for choice in range(self.k):
            np.add.at(self.tokens[layer], (experts[:, choice], token_ids), 1)


def measure(model, tokenizer, data, usage):
    """Runs the held-out windows of every domain; gives the losses, fills `usage`."""
    losses = {}
    for d, domain in enumerate(DOMAINS):
        ids = data[domain + ".val"].astype(np.int64)
        n = min(MAX_WINDOWS, (len(ids) - 1) // WINDOW)
        total = 0.0
        for first in range(0, n, BATCH):
            rows = [ids[i * WINDOW:(i + 1) * WINDOW + 1]
                    for i in range(first, min(n, first + BATCH))]
            t = torch.from_numpy(np.stack(rows))
            inputs, stats = t[:, :-1].contiguous(), []
            total += model.step(inputs, t[:, 1:].contiguous(), train=False,
                                stats=stats).sum().item()
            for layer, (experts, _, _) in enumerate(stats):
                usage.add(layer, d, experts, inputs.reshape(-1).numpy())
        n_byte = len(tokenizer.decode(ids[:n * WINDOW].tolist()).encode())
        nats = total / (n * WINDOW)
        losses[domain] = dict(tokens=n * WINDOW, nats_per_token=nats,
                              perplexity=float(np.exp(nats)),
                              bits_per_byte=total / n_byte / np.log(2))
    return losses


def describe_layer(share):
    """share: [domain][expert], rows summing to 1."""
    mix = np.array(MIX)
    total = (mix[:, None] * share).sum(0)
    pairs = {f"{DOMAINS[i]}/{DOMAINS[j]}": divergence(share[i], share[j])
             for i in range(len(DOMAINS)) for j in range(i)}
    information = entropy(total) - sum(mix[i] * entropy(share[i]) for i in range(len(mix)))
    return dict(usage=share.round(4).tolist(), total=total.round(4).tolist(), pairs=pairs,
                mean_js=float(np.mean(list(pairs.values()))), effective=2 ** entropy(total),
                mutual_information=information)


def print_losses(losses):
    print("held-out loss")
    for domain, v in losses.items():
        print(f"  {domain:7s} {v['nats_per_token']:.3f} nats/token  perplexity "
              f"{v['perplexity']:8.2f}  {v['bits_per_byte']:.3f} bits/byte  "
              f"({v['tokens']} tokens)")


def print_layers(layers):
    print("\nlayer  usage, least .. most   effective experts  mean JS  largest JS            MI")
    for i, layer in enumerate(layers):
        pair = max(layer["pairs"], key=layer["pairs"].get)
        print(f"  {i}    {min(layer['total']):.3f} .. {max(layer['total']):.3f}"
              f"  {layer['effective']:16.1f}     {layer['mean_js']:10.3f}    "
              f"{layer['pairs'][pair]:.3f} {pair:14s} {layer['mutual_information']:.3f}")
    print("\nmost used experts of each domain (share of its slots)")
    for i, layer in enumerate(layers):
        words = []
        for domain, row in zip(DOMAINS, np.array(layer["usage"])):
            best = row.argsort()[::-1][:3]
            words.append(domain + " " + " ".join(f"{e}({row[e]:.0%})" for e in best))
        print(f"  layer {i}: " + "; ".join(words))


def print_tokens(usage, tokenizer):
    """The ten tokens that speak most for each expert; rare tokens are left out."""
    print("\ntokens that speak most for an expert (first, middle and last layer)")
    n_layer = len(usage.tokens)
    seen = usage.tokens[0].sum(0)
    base = seen / seen.sum()
    for layer in sorted({0, n_layer // 2, n_layer - 1}):
        for expert, counts in enumerate(usage.tokens[layer]):
            share = counts / max(1, counts.sum())
            lift = share * np.log2((share + 1e-9) / (base + 1e-9))
            lift[seen < 20 * usage.k] = 0
            best = lift.argsort()[::-1][:10]
            print(f"  layer {layer} expert {expert:2d}  "
                  + " ".join(repr(tokenizer.decode([int(t)])) for t in best))


def main():
    torch.set_grad_enabled(False)
    ckpt = torch.load(sys.argv[1])
    tokenizer = Tokenizer(sys.argv[2])
    usage = Usage(ckpt["cfg"])
    with tempfile.TemporaryDirectory() as folder, np.load(sys.argv[3]) as data:
        model = moe.Model(ckpt["cfg"], ckpt["P"], moe.load_kernels(folder))
        losses = measure(model, tokenizer, data, usage)
    share = usage.slots / usage.slots.sum(-1, keepdims=True)
    layers = [describe_layer(s) for s in share]
    print(f"step {ckpt['step']}, {ckpt['seen']} tokens seen\n")
    print_losses(losses)
    print_layers(layers)
    print_tokens(usage, tokenizer)
    if len(sys.argv) > 4:
        with open(sys.argv[4], "w", encoding="utf-8") as f:
            json.dump(dict(step=ckpt["step"], tokens_seen=ckpt["seen"], loss=losses,
                           layers=layers), f, indent=1)


if __name__ == "__main__":
    main()
