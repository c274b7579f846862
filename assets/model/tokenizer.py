"""Byte-level BPE in the manner of GPT-2: trainer, encoder and decoder, plain Python.

usage: tokenizer.py CORPUS_DIR OUT.json [VOCAB_SIZE]
"""
import collections
import heapq
import json
import os
import re
import sys

END_OF_TEXT = "<|endoftext|>"

# GPT-2's splitting rule; \p{L} and \p{N} written with the classes that `re` has.
SPLIT = re.compile(
    r"'s|'t|'re|'ve|'m|'ll|'d| ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+(?!\S)|\s+")

# Documents of each domain count this often, so that the largest does not take all merges.
WEIGHTS = {"tales": 2, "simple": 3, "german": 8, "code": 4, "verse": 4, "math": 1}


def byte_to_char():
    """GPT-2's reversible map from bytes to printable characters."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in printable]
    table = {b: chr(b) for b in printable}
    table.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return table


CHAR_OF_BYTE = byte_to_char()
BYTE_OF_CHAR = {c: b for b, c in CHAR_OF_BYTE.items()}


def join_pair(word, pair):
    """The symbols of `word` with every occurrence of `pair` joined into one."""
    out = []
    i = 0
    while i < len(word):
        if i + 1 < len(word) and (word[i], word[i + 1]) == pair:
            out.append(word[i] + word[i + 1])
            i += 2
        else:
            out.append(word[i])
            i += 1
    return out


class Pairs:
    """Counts of adjacent symbols, the words they stand in, and the most frequent one."""

    def __init__(self, words):
        self.words = words
        self.count = collections.Counter()
        self.where = collections.defaultdict(set)
        for i, (word, n) in enumerate(words):
            for pair in zip(word, word[1:]):
                self.count[pair] += n
                self.where[pair].add(i)
        self.heap = [(-n, pair) for pair, n in self.count.items()]
        heapq.heapify(self.heap)

    def best(self):
        """The most frequent pair; equal counts: the smaller pair. The heap is lazy."""
        while True:
            n, pair = heapq.heappop(self.heap)
            now = self.count.get(pair, 0)
            if now == -n:
                return pair
            if now > 0:
                heapq.heappush(self.heap, (-now, pair))

    def merge(self, pair):
        touched = set()
        for i in self.where.pop(pair):
            word, n = self.words[i]
            for old in zip(word, word[1:]):
                self.count[old] -= n
                touched.add(old)
            word = self.words[i][0] = tuple(join_pair(word, pair))
            for new in zip(word, word[1:]):
                self.count[new] += n
                self.where[new].add(i)
                touched.add(new)
        self.count.pop(pair, None)
        for other in touched:
            if self.count.get(other, 0) > 0:
                heapq.heappush(self.heap, (-self.count[other], other))


def train(texts, size, specials=(END_OF_TEXT,)):
    """texts: pairs of text and weight. Gives tokens and merges as lists of strings."""
    count = collections.Counter()
    for text, weight in texts:
        for word, n in collections.Counter(SPLIT.findall(text)).items():
            count[word] += n * weight
    words = [[tuple(CHAR_OF_BYTE[b] for b in word.encode()), n]
             for word, n in count.items() if n > 1]
    vocab = sorted(CHAR_OF_BYTE.values(), key=ord)
    merges = []
    pairs = Pairs(words)
    while len(vocab) + len(specials) < size:
        pair = pairs.best()
        merges.append(" ".join(pair))
        vocab.append(pair[0] + pair[1])
        pairs.merge(pair)
    return {"tokens": vocab + list(specials), "merges": merges}


class Tokenizer:
    def __init__(self, source):
        """source: what train() gives, or the path of a JSON file of it."""
        if isinstance(source, str):
            with open(source, encoding="utf-8") as f:
                source = json.load(f)
        self.tokens = source["tokens"]
        self.merges = source["merges"]
        self.id = {token: i for i, token in enumerate(self.tokens)}
        self.rank = {tuple(m.split(" ")): i for i, m in enumerate(self.merges)}
        self.eos = self.id[END_OF_TEXT]
        self.cache = {}

    def encode_word(self, word):
        if word not in self.cache:
            symbols = [CHAR_OF_BYTE[b] for b in word.encode()]
            while len(symbols) > 1:
                ranked = [(self.rank[p], p) for p in zip(symbols, symbols[1:]) if p in self.rank]
                if not ranked:
                    break
                symbols = join_pair(symbols, min(ranked)[1])
            self.cache[word] = [self.id[s] for s in symbols]
        return self.cache[word]

    def encode(self, text):
        return [i for word in SPLIT.findall(text) for i in self.encode_word(word)]

    def decode(self, ids):
        chars = "".join(self.tokens[i] for i in ids if i != self.eos)
        return bytes(BYTE_OF_CHAR[c] for c in chars).decode("utf-8", "replace")


def main():
    corpus, out = sys.argv[1:3]
    size = int(sys.argv[3]) if len(sys.argv) > 3 else 4096
    texts = {}
    for domain in WEIGHTS:
        with open(os.path.join(corpus, domain + ".txt"), encoding="utf-8") as f:
            texts[domain] = f.read()
    trained = train([(texts[d].replace("\u241e", ""), w) for d, w in WEIGHTS.items()], size)
    with open(out, "w", encoding="utf-8") as f:
        json.dump(trained, f, ensure_ascii=False)

    tokenizer = Tokenizer(trained)
    for domain, text in texts.items():
        sample = text[:300000]
        ids = tokenizer.encode(sample)
        if tokenizer.decode(ids) != sample:
            raise SystemExit(f"{domain}: decoding does not give the text back")
        print(f"{domain:8s} {len(sample.encode()) / len(ids):.2f} bytes/token")


if __name__ == "__main__":
    main()
