"""Trains the small mixture-of-experts model on a CPU.

usage: train.py CORPUS_DIR TOK.json RUN_DIR [--minutes M] [--threads N] [--set key=value …]

RUN_DIR/ckpt.pt holds weights, optimizer and the time used; the same command goes on from
it. The learning rate follows the share of --minutes that is used, so a larger number on
going on raises the rate again and lets it fall to the new end.
"""
import argparse
import json
import math
import os
import time

import numpy as np
import torch

import moe
from optimizer import Optimizer, is_muon
from tokenizer import Tokenizer

SEPARATOR = "\n\u241e\n"
DOMAINS = ["tales", "simple", "german", "code", "verse", "math"]
MIX = [0.30, 0.36, 0.09, 0.10, 0.08, 0.07]  # share of the training windows
AT_START = [0.3, 0.5, 0.03, 0.3, 0.1, 0.5]  # share that begins where a document does


def load_tokens(corpus, tokenizer_path, folder):
    """"tales.train" and so on -> ids; kept in folder/tokens.npz. The first fiftieth of
    the documents (at least two) is held out as "tales.val"."""
    path = os.path.join(folder, "tokens.npz")
    if not os.path.exists(path):
        tokenizer, out = Tokenizer(tokenizer_path), {}
        for domain in DOMAINS:
            with open(os.path.join(corpus, domain + ".txt"), encoding="utf-8") as f:
                documents = f.read().split(SEPARATOR)
            cut = max(2, len(documents) // 50)
            for part, chosen in (("val", documents[:cut]), ("train", documents[cut:])):
                ids = []
                for document in chosen:
                    ids.append(tokenizer.eos)
                    ids += tokenizer.encode(document)
                out[f"{domain}.{part}"] = np.array(ids, dtype=np.uint16)
        np.savez(path, **out)
    with np.load(path) as z:
        return {name: z[name].astype(np.int64) for name in z.files}


class Batches:
    """Windows of tokens from random places, or from where a document starts."""

    def __init__(self, data, seed, eos):
        self.random = np.random.default_rng(seed)
        self.ids = [data[domain + ".train"] for domain in DOMAINS]
        self.starts = [np.flatnonzero(ids == eos) for ids in self.ids]

    def counts(self, n_window):
        """Windows per domain: whole numbers, the rest drawn by what is missing."""
        exact = np.array(MIX) * n_window
        n = np.floor(exact).astype(int)
        left = n_window - n.sum()
        if left > 0:
            missing = exact - n
            for domain in self.random.choice(len(MIX), left, p=missing / missing.sum()):
                n[domain] += 1
        return n

    def next(self, n_window, length):
        """Inputs and targets, int64 [n_window][length]."""
        rows = []
        for domain, n in enumerate(self.counts(n_window)):
            ids = self.ids[domain]
            last = len(ids) - length - 1
            starts = self.starts[domain]
            starts = starts[starts < last]
            for _ in range(n):
                if self.random.random() < AT_START[domain] and len(starts):
                    at = int(self.random.choice(starts))
                else:
                    at = int(self.random.integers(0, last))
                rows.append(ids[at:at + length + 1])
        t = torch.from_numpy(np.stack(rows))
        return t[:, :-1].contiguous(), t[:, 1:].contiguous()


def evaluate(model, data, length=256, n_window=16):
    """Mean loss in nats per token of each domain's held-out text."""
    out = {}
    for domain in DOMAINS:
        ids = data[domain + ".val"]
        n = min(n_window, (len(ids) - 1) // length)
        rows = torch.from_numpy(np.stack([ids[i * length:(i + 1) * length + 1]
                                          for i in range(n)]))
        out[domain] = model.step(rows[:, :-1].contiguous(), rows[:, 1:].contiguous(),
                                 train=False).mean().item()
    return out


def log(*words):
    print(time.strftime("%H:%M:%S"), *words, flush=True)


class Run:
    """One training run: model, optimizer, and how far it is."""

    def __init__(self, args, call):
        self.args = args
        self.path = os.path.join(args.run, "ckpt.pt")
        self.elapsed, self.n_step, self.n_seen, self.history = 0.0, 0, 0, []
        cfg = dict(moe.CFG)
        for setting in args.set:
            key, text = setting.split("=")
            cfg[key] = type(moe.CFG[key])(text)
        if os.path.exists(self.path):
            ckpt = torch.load(self.path)
            cfg, params = ckpt["cfg"], ckpt["P"]
            self.opt = Optimizer(cfg, params)
            self.opt.m, self.opt.v, self.opt.t = ckpt["m"], ckpt["v"], ckpt["t"]
            self.elapsed, self.n_step = ckpt["elapsed"], ckpt["step"]
            self.n_seen, self.history = ckpt["seen"], ckpt["hist"]
        else:
            params = moe.init(cfg)
            self.opt = Optimizer(cfg, params)
        self.cfg, self.params = cfg, params
        self.model = moe.Model(cfg, params, call)
        self.data = load_tokens(args.corpus, args.tokenizer, args.run)
        self.batches = Batches(self.data, self.n_step + 1, cfg["vocab"] - 1)

    def save(self):
        """Written beside and renamed, so that an interruption leaves a whole file."""
        torch.save(dict(cfg=self.cfg, P=self.params, m=self.opt.m, v=self.opt.v,
                        t=self.opt.t, elapsed=self.elapsed, step=self.n_step,
                        seen=self.n_seen, hist=self.history), self.path + ".tmp")
        os.replace(self.path + ".tmp", self.path)

    def validate(self, n_window=16):
        losses = evaluate(self.model, self.data, n_window=n_window)
        self.history.append((self.n_step, self.n_seen, losses))
        log("validation", " ".join(f"{k} {v:.3f}" for k, v in losses.items()))

    def describe(self):
        total = sum(p.numel() for p in self.params.values())
        experts = sum(p.numel() for k, p in self.params.items() if k.endswith((".wgu", ".wd")))
        active = total - experts + experts * self.cfg["topk"] // self.cfg["experts"]
        muon = sum(p.numel() for k, p in self.params.items() if is_muon(k))
        log("config", json.dumps(self.cfg))
        log(f"parameters {total / 1e6:.2f} M, active {active / 1e6:.2f} M, "
            f"by Muon {muon / 1e6:.2f} M; tokens",
            {name: len(ids) for name, ids in self.data.items()})

    def rate(self, share):
        """Warm-up over 60 steps, then a cosine from 1 down to 0.03."""
        warm = min(1, (self.n_step + 1) / 60)
        return warm * (0.03 + 0.97 * 0.5 * (1 + math.cos(math.pi * min(1, share))))

    def step(self, share):
        """One step at `share` of the time; gives loss, gradient norm and rate."""
        a = self.args
        length = a.seq if share < a.late_at else a.late_seq
        x, y = self.batches.next(a.batch * a.seq // length, length)
        loss = self.model.step(x, y, aux=a.aux).mean().item()
        norm = math.sqrt(sum(g.pow(2).sum().item() for g in self.model.grads.values()))
        if norm > 1:
            for g in self.model.grads.values():
                g.mul_(1 / norm)
        rate = self.rate(share)
        self.opt.step(self.model.grads, rate)
        self.n_step += 1
        self.n_seen += x.numel()
        return loss, norm, rate

    def train(self):
        budget = self.args.minutes * 60
        average, saved, mark = None, time.time(), (time.time(), self.n_seen)
        while self.elapsed < budget:
            begin = time.time()
            loss, norm, rate = self.step(self.elapsed / budget)
            now = time.time()
            self.elapsed += now - begin
            average = loss if average is None else 0.95 * average + 0.05 * loss
            if self.n_step % 20 == 0:
                speed = (self.n_seen - mark[1]) / (now - mark[0])
                log(f"step {self.n_step} loss {loss:.3f} avg {average:.3f} gnorm {norm:.2f} "
                    f"rate {rate:.3f} tokens {self.n_seen / 1e6:.2f}M {speed:.0f} tok/s "
                    f"used {self.elapsed / 60:.1f} min")
                mark = (now, self.n_seen)
            if self.n_step % 250 == 0:
                self.validate()
            if now - saved > 180:
                self.save()
                saved = now
        self.validate(n_window=64)
        self.save()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("corpus")
    p.add_argument("tokenizer")
    p.add_argument("run")
    p.add_argument("--minutes", type=float, default=60)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--batch", type=int, default=16, help="windows of --seq tokens per step")
    p.add_argument("--seq", type=int, default=256)
    p.add_argument("--late_seq", type=int, default=512, help="window length towards the end")
    p.add_argument("--late_at", type=float, default=0.8, help="share of the time it begins at")
    p.add_argument("--aux", type=float, default=0.01, help="weight of the balancing loss")
    p.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE",
                   help="change the model: " + ", ".join(moe.CFG))
    args = p.parse_args()
    os.makedirs(args.run, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.set_grad_enabled(False)
    run = Run(args, moe.load_kernels(args.run))
    run.describe()
    run.train()


if __name__ == "__main__":
    main()
