"""Draws a terminal's output as SVG: text, 256 colours, inverse video, wrapped lines.

usage: COMMAND 2>&1 | ansi_to_svg.py "COMMAND AS TYPED" > picture.svg

run.svg is
  lemnos run --color always --show-experts --temp 0.6 --seed 9 -n 200 "Once upon a time"
"""
import re
import sys
from xml.sax.saxutils import escape

WIDTH, CELL_W, CELL_H, MARGIN = 90, 8.43, 19, 14
PAPER, INK, DIM = "#16181d", "#d8dade", "#8a8f98"
CUBE = [0, 95, 135, 175, 215, 255]


def color(n):
    """Entries 16 to 255 of the terminal palette; the first 16 differ by terminal."""
    if n >= 232:
        return "#" + 3 * f"{8 + 10 * (n - 232):02x}"
    if n >= 16:
        n -= 16
        return "#" + "".join(f"{CUBE[i]:02x}" for i in (n // 36, n // 6 % 6, n % 6))
    return INK


def runs(text):
    """Pieces of text with their colour and whether they are inverse."""
    ink, inverse = INK, False
    for piece in re.split(r"(\x1b\[[0-9;]*[A-Za-z])", text):
        if not piece.startswith("\x1b"):
            yield piece, ink, inverse
            continue
        codes = [int(c or 0) for c in piece[2:-1].split(";")] if piece.endswith("m") else []
        while codes:
            code = codes.pop(0)
            if code == 0:
                ink, inverse = INK, False
            elif code == 7:
                inverse = True
            elif code == 38 and codes[:1] == [5]:
                ink, codes = color(codes[1]), codes[2:]


def cells(text):
    """Lines of cells (character, colour, inverse); words that do not fit are wrapped."""
    lines = [[]]
    for piece, ink, inverse in runs(text):
        for c in piece:
            if c == "\n":
                lines.append([])
                continue
            lines[-1].append((c, ink, inverse))
            if len(lines[-1]) > WIDTH:
                at = max((i for i, cell in enumerate(lines[-1]) if cell[0] == " "), default=0)
                rest = lines[-1][at + 1:] if at else lines[-1][WIDTH:]
                del lines[-1][at if at else WIDTH:]
                lines.append(rest)
    return lines


def draw_line(line, y):
    out, i = [], 0
    while i < len(line):
        _, ink, inverse = line[i]
        n = next((j for j in range(i, len(line)) if line[j][1:] != (ink, inverse)), len(line))
        text = escape("".join(c for c, _, _ in line[i:n]))
        x = MARGIN + i * CELL_W
        if inverse:
            out.append(f'<rect x="{x:.1f}" y="{y - 14}" width="{(n - i) * CELL_W:.1f}" '
                       f'height="{CELL_H}" fill="{ink}"/>')
        if text.strip():
            out.append(f'<text x="{x:.1f}" y="{y}" fill="{PAPER if inverse else ink}" '
                       f'textLength="{(n - i) * CELL_W:.1f}">{text}</text>')
        i = n
    return out


def main():
    prompt = [(c, DIM if i < 2 else INK, False) for i, c in enumerate("$ " + sys.argv[1])]
    lines = [prompt] + cells(sys.stdin.read().rstrip("\n"))
    width, height = WIDTH * CELL_W + 2 * MARGIN, len(lines) * CELL_H + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" '
          f'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="14" '
          f'xml:space="preserve">')
    print(f'<rect width="100%" height="100%" rx="8" fill="{PAPER}"/>')
    for i, line in enumerate(lines):
        for part in draw_line(line, MARGIN + 14 + i * CELL_H):
            print(part)
    print("</svg>")


if __name__ == "__main__":
    main()
