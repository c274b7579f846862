"""Builds the training corpus from raw public-domain texts.

usage: build_corpus.py RAW_DIR OUT_DIR

RAW_DIR holds pg_<id>*.txt (plain texts of Project Gutenberg, the ids in SOURCES.tsv),
shakespeare.txt, tinystories_1000.json (a JSON list of stories) and sqlite3.c (the
amalgamation). OUT_DIR receives one <domain>.txt per domain, documents separated by a line
that holds only U+241E, and SOURCES.tsv.
"""
import glob
import json
import os
import random
import re
import sys
import unicodedata

import simple_stories

SEPARATOR = "\n\u241e\n"
VERSE = {10607, 136}
GERMAN = {6638, 6639, 6640, 7511, 7512, 19778, 22367}
FRENCH = {800, 4650, 4791, 799, 4717, 4548, 13951, 55456}  # one foreign language is enough
HARD = {964, 8933, 5314, 289, 34453, 7885, 4018, 7128, 1450}  # archaic, many rare names
PROTECTED = {63849, 2557, 15281, 16}  # not in the public domain everywhere
COLLECTED = {100}  # Shakespeare, who comes from a file of his own
LEFT_OUT = FRENCH | HARD | PROTECTED | COLLECTED

KEPT = set("äöüÄÖÜßéèêàâçôîû\n")  # beside printable ASCII
REPLACED = {
    "“": '"', "”": '"', "„": '"', "»": '"', "«": '"', "‘": "'", "’": "'", "‚": "'",
    "`": "'", "—": "--", "–": "-", "…": "...", "\t": " ", "\r": "", "\ufeff": "",
    "\u00a0": " ", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "¨": "",
}

PG_START = (re.compile(r"\*\*\* ?START OF (?:THE|THIS) PROJECT GUTENBERG.*?\*\*\*", re.S),
            re.compile(r"\*END\*? ?THE SMALL PRINT.*?\n"))
PG_END = re.compile(r"\*\*\* ?END OF (?:THE|THIS) PROJECT GUTENBERG"
                    r"|\n\s*End of (?:the |this )?Project Gutenberg"
                    r"|\n\s*Ende dieses Projekt? Gutenberg", re.I)
NOT_TEXT = re.compile(
    r"gutenberg|e-?text|transcriber|illustration|footnote|copyright|proofread|produced by|http"
    r"|www\.|\bisbn\b|\[\d+\]|all rights|published by|editor's note|ascii|distributed", re.I)
HEADING = re.compile(r"(chapter|kapitel|book|part|story|lesson)\b", re.I)


def plain(text):
    """Only the characters we keep; the others as near as ASCII comes."""
    out = []
    for c in "".join(REPLACED.get(c, c) for c in text):
        if c in KEPT or " " <= c <= "~":
            out.append(c)
        else:
            out += [d for d in unicodedata.normalize("NFKD", c) if " " <= d <= "~"]
    return "".join(out)


def without_license(text):
    """The book alone, without Project Gutenberg's header and licence."""
    start = PG_START[0].search(text) or PG_START[1].search(text)
    if start:
        text = text[start.end():]
    end = PG_END.search(text)
    return text[:end.start()] if end else text


def is_heading(joined):
    letters = [c for c in joined if c.isalpha()]
    shouted = sum(c.isupper() for c in letters) / len(letters) > 0.6
    chapter = HEADING.match(joined) and len(joined) < 90
    title = len(joined) < 70 and joined[-1] not in ".!?\"',;:-)"
    return shouted or chapter or title


def book_documents(text):
    """Chapters or tales of a book; those under 600 characters are dropped."""
    text = plain(without_license(text.replace("\r\n", "\n"))).replace("_", "").replace("*", "")
    text = re.sub(r"\[Illustration[^\]]*\]", "", text)
    documents, current = [], []

    def close():
        document = "\n\n".join(current)
        current.clear()
        if len(document) > 600:
            documents.append(document)

    for paragraph in re.split(r"\n\s*\n", text):
        lines = [re.sub(r" +", " ", line).strip() for line in paragraph.split("\n")]
        lines = [line for line in lines if line]
        joined = " ".join(lines)
        if NOT_TEXT.search(joined) or not any(c.isalpha() for c in joined):
            continue
        if is_heading(joined):
            close()
            continue
        verse = len(lines) > 1 and sum(map(len, lines)) / len(lines) < 46
        current.append("\n".join(lines) if verse else joined)
    close()
    return documents


def code_documents(text, n_char, r):
    """Functions of the amalgamation, without tables of constants; long comments cut."""
    text = plain(text)
    parts = re.split(r"(?<=\n\})\n(?=\n)", text[len(text) // 12:])
    parts = [p.strip("\n") for p in parts
             if 300 < len(p) < 9000 and max(map(len, p.split("\n"))) < 100
             and p.count(",") < len(p) / 18]
    r.shuffle(parts)

    def shortened(comment):
        return "/*" + comment.group(1)[:420].rsplit("\n", 1)[0] + "\n*/"

    out, n = [], 0
    for part in parts:
        out.append(re.sub(r"/\*(.{600,}?)\*/", shortened, part, flags=re.S))
        n += len(out[-1])
        if n > n_char:
            break
    return out


def math_document(r):
    """Counting, sums, differences, tables or comparisons."""
    def pairs(low, high, low2, high2, n):
        return [(r.randint(low, high), r.randint(low2, high2)) for _ in range(n)]

    kind = r.randrange(9)
    if kind == 0:
        a, step = r.randint(0, 60), r.randint(1, 10)
        lines = [", ".join(str(a + i * step) for i in range(r.randint(8, 18)))]
    elif kind == 1:
        a, step = r.randint(80, 150), r.randint(1, 6)
        lines = [", ".join(str(a - i * step) for i in range(r.randint(8, 14)))]
    elif kind == 2:
        a = r.randint(1, 12)
        lines = [f"{a} x {i} = {a * i}" for i in range(1, 13)]
    elif kind in (3, 4):
        lines = [f"{a} + {b} = {a + b}" for a, b in pairs(0, 50, 0, 49, r.randint(6, 14))]
    elif kind == 5:
        lines = [f"{a + b} - {b} = {a}" for a, b in pairs(0, 50, 0, 49, r.randint(6, 14))]
    elif kind == 6:
        lines = [f"{a} x {b} = {a * b}" for a, b in pairs(1, 12, 1, 12, r.randint(6, 14))]
    elif kind == 7:
        a = r.randint(0, 40)
        lines = [f"{a} + {i} = {a + i}" for i in range(0, 11)]
    else:
        lines = [f"{a} {'<' if a < b else '>' if a > b else '='} {b}"
                 for a, b in pairs(0, 99, 0, 99, 10)]
    return "\n".join(lines)


def read_text(path):
    with open(path, "rb") as f:
        data = f.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_books(raw):
    """domain -> documents of all books, and a row per book for SOURCES.tsv."""
    domains, sources = {"tales": [], "german": [], "verse": []}, []

    def stated(field, text):
        found = re.search(rf"^{field}: *(.+?)\r?$", text, re.M)
        return found.group(1) if found else "?"

    for path in sorted(glob.glob(os.path.join(raw, "pg_*.txt"))):
        book = int(re.search(r"pg_(\d+)", path).group(1))
        if book in LEFT_OUT:
            continue
        text = read_text(path)
        documents = book_documents(text)
        domain = "verse" if book in VERSE else "german" if book in GERMAN else "tales"
        domains[domain] += documents
        sources.append((domain, book, stated("Title", text), stated("Author", text),
                        sum(map(len, documents))))
    return domains, sources


def story_documents(raw, r):
    """Our own stories, all different, and the sample of TinyStories, twice."""
    with open(os.path.join(raw, "tinystories_1000.json"), encoding="utf-8") as f:
        tiny = [re.sub(r"\n+", "\n\n", plain(x).strip()) for x in json.load(f)]
    seen, own, n = set(), [], 0
    while n < 5_200_000:
        for _ in range(500):
            text = simple_stories.story(r).strip()
            if text not in seen:
                seen.add(text)
                own.append(text)
                n += len(text)
    return own + tiny * 2


def main():
    raw, out = sys.argv[1:3]
    r = random.Random(7)
    os.makedirs(out, exist_ok=True)
    books, sources = read_books(raw)
    plays = plain(read_text(os.path.join(raw, "shakespeare.txt"))).split("\n\n")
    for i in range(0, len(plays), 24):
        books["verse"].append("\n\n".join(plays[i:i + 24]))
    domains = {"tales": books["tales"], "simple": story_documents(raw, r),
               "german": books["german"]}
    with open(os.path.join(raw, "sqlite3.c"), encoding="utf-8", errors="replace") as f:
        domains["code"] = code_documents(f.read(), 2_600_000, r)
    domains["verse"] = books["verse"]
    domains["math"] = []
    while sum(map(len, domains["math"])) < 900_000:
        domains["math"].append(math_document(r))

    for domain, documents in domains.items():
        r.shuffle(documents)
        with open(os.path.join(out, domain + ".txt"), "w", encoding="utf-8") as f:
            f.write(SEPARATOR.join(documents))
        print(f"{domain:8s} {len(documents):6d} documents "
              f"{sum(map(len, documents)):9d} characters")
    with open(os.path.join(out, "SOURCES.tsv"), "w", encoding="utf-8") as f:
        f.write("domain\tgutenberg_id\ttitle\tauthor\tcharacters_kept\n")
        for row in sources:
            f.write("\t".join(map(str, row)) + "\n")


if __name__ == "__main__":
    main()
