"""Muon for the hidden matrices, Adam for embedding, routers and norms.

Muon replaces the momentum of a matrix by the nearest matrix with orthogonal rows or
columns, found by five steps of a Newton-Schulz iteration (Keller Jordan, 2024).
"""
import torch


def orthogonalize(batch, steps=5):
    """Each matrix of batch [n][rows][columns]."""
    x = batch / (batch.norm(dim=(1, 2), keepdim=True) + 1e-7)
    tall = x.size(1) > x.size(2)
    x = (x.transpose(1, 2) if tall else x).bfloat16()
    for _ in range(steps):
        a = torch.bmm(x, x.transpose(1, 2))
        x = 3.4445 * x + torch.bmm(-4.7750 * a + 2.0315 * torch.bmm(a, a), x)
    return (x.transpose(1, 2) if tall else x).float()


def is_muon(name):
    return name.endswith((".wqkv", ".wo", ".wgu", ".wd"))


class Optimizer:
    def __init__(self, cfg, params):
        self.cfg, self.params = cfg, params
        self.m = {k: torch.zeros_like(p) for k, p in params.items()}
        self.v = {k: torch.zeros_like(p) for k, p in params.items() if not is_muon(k)}
        self.t = 0

    def parts(self, name, update):
        """A stored matrix may be several: q, k and v; an expert's gate and up."""
        c = self.cfg
        if name.endswith("wqkv"):
            sizes = [c["heads"] * c["hd"], c["kv"] * c["hd"], c["kv"] * c["hd"]]
            return [part[None] for part in update.split(sizes)]
        if name.endswith("wgu"):
            return [update.view(-1, c["ff"], c["d"])]
        return [update if update.dim() == 3 else update[None]]

    def adam(self, name, grad, rate):
        m, v = self.m[name], self.v[name]
        m.mul_(0.9).add_(grad, alpha=0.1)
        v.mul_(0.98).addcmul_(grad, grad, value=0.02)
        size = (v / (1 - 0.98 ** self.t)).sqrt().add_(1e-10)
        self.params[name].addcdiv_(m / (1 - 0.9 ** self.t), size, value=-rate)

    def muon(self, updates, rate, decay):
        """updates: name -> momentum. Matrices of one shape are worked on together."""
        groups = {}
        for name, update in updates.items():
            for i, part in enumerate(self.parts(name, update)):
                groups.setdefault(tuple(part.shape[1:]), []).append((name, i, part))
        done = {}
        for (rows, columns), members in groups.items():
            whole = orthogonalize(torch.cat([part for _, _, part in members]))
            at = 0
            for name, i, part in members:
                own = whole[at:at + part.size(0)] * max(1, rows / columns) ** 0.5
                done.setdefault(name, {})[i] = own
                at += part.size(0)
        for name, pieces in done.items():
            p = self.params[name]
            step = torch.cat([pieces[i].reshape(-1, p.size(-1)) for i in sorted(pieces)])
            p.mul_(1 - rate * decay).add_(step.view_as(p), alpha=-rate)

    def step(self, grads, scale, rate_muon=0.02, rate_adam=3e-3, decay=0.02):
        """`scale` is the schedule's factor, 0..1."""
        self.t += 1
        momentum = min(0.95, 0.85 + 0.1 * self.t / 200)
        updates = {}
        for name in self.params:
            if is_muon(name):
                m = self.m[name]
                m.mul_(momentum).add_(grads[name])
                updates[name] = grads[name].add(m, alpha=momentum)
            else:
                self.adam(name, grads[name], rate_adam * scale)
        self.muon(updates, rate_muon * scale, decay)
