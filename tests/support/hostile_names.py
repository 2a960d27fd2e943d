"""Names that no registry, home or lock may take: what leads out of a folder, what systems read otherwise, what eyes misread."""

from __future__ import annotations

from itertools import product

TRAVERSAL = (
    *("..", "../x", "../../etc/x", "x/..", "x/../y", "a/b/c", "/x", "//x", "x/"),
    *("/", ".", "./x", "x/.", "~", "~/x", "~root", "...", "-x"),
)
WINDOWS = (
    *("C:", "C:x", "C:\\x", "\\\\host\\x", "..\\x", "x\\y", "x:y", "x::$DATA"),
    *("x.", "x ", " x", "x..", "CON.txt", "x|y", "x?", "x*", "x<y"),
)
DEVICES = ("con", "prn", "aux", "nul", "com1", "com9", "lpt1", "lpt9")
CASED = tuple(name.upper() for name in DEVICES) + tuple(name.title() for name in DEVICES)
SPECIAL = (
    *(".git", ".gitignore", ".lock", ".new-1", "packages.json"),
    *("installed.json", "node_modules/x/y", "%2e%2e", "%2e%2e%2fx", "x%00", "a b"),
)
CONTROL = tuple(f"x{chr(code)}y" for code in (*range(32), 127, *range(0x80, 0xA0)))
MARKS = ("\u202e", "\u202d", "\u2066", "\u200b", "\u200d", "\u200e", "\ufeff", "\u00ad", "\u2028", "\u2029", "\u0301", "\ufe0f", "\u034f")
BIDIRECTIONAL = tuple(f"{before}{mark}{after}" for mark in MARKS for before, after in (("x", "y"), ("", "xy"), ("xy", "")))
CYRILLIC = {"a": "\u0430", "c": "\u0441", "e": "\u0435", "i": "\u0456", "o": "\u043e", "p": "\u0440", "x": "\u0445", "y": "\u0443"}
GREEK = {"a": "\u03b1", "o": "\u03bf", "v": "\u03bd", "u": "\u03c5", "p": "\u03c1"}
WORDS = ("math", "core", "miden", "vault", "token", "price", "oracle", "proxy", "crypto", "explorer")
TABLES = (*CYRILLIC.items(), *GREEK.items())
MIXED = tuple(word.replace(plain, other) for plain, other in TABLES for word in WORDS if plain in word)
WIDE = tuple("".join(chr(ord(letter) + 0xFEE0) for letter in word) for word in WORDS)
STYLED = tuple("".join(chr(0x1D41A + ord(letter) - ord("a")) for letter in word) for word in WORDS)
LIGATURES = ("ﬁle", "ﬂow", "ǆ", "ß", "İx", "ıx", "ſafe", "Å", "é", "e\u0301", "ⅷ", "１", "x²", "½")
DIGITS = ("1x", "0", "9math", "0x1234", "1.0.0", "-", "--help", "-rf")
LONG = ("x" * 65, "x" * 300, f"{'x' * 65}/y", f"x/{'y' * 65}", "/".join("x" * 200), "x" * 10**5)
EMPTY = (
    *("", " ", "\t", "\n", "/x/", "x//y", "@", "x@1", "x#y", "x::y", "!x"),
    *("$x", "'x'", '"x"', "`x`", "$(x)", "${x}", "x;y", "x&y", "x=y", "x, y"),
)
PREFIXED = tuple(f"acme/{name}" for name in (*TRAVERSAL, *WINDOWS, *DEVICES, *SPECIAL) if "/" not in name)
SUFFIXED = tuple(f"{name}/math" for name in (*TRAVERSAL, *WINDOWS, *DEVICES, *SPECIAL) if "/" not in name)
DOTS = ("..", "%2e%2e", ".%2e", "\u2024\u2024", "\uff0e\uff0e")
ENCODED = tuple(f"{dots}{slash}x" for dots, slash in product(DOTS, ("%2f", "%5c", "\u2215", "\u29f8", "\uff0f")))

HOSTILE = tuple(
    dict.fromkeys(
        (
            *TRAVERSAL,
            *WINDOWS,
            *DEVICES,
            *CASED,
            *SPECIAL,
            *CONTROL,
            *BIDIRECTIONAL,
            *MIXED,
            *WIDE,
            *STYLED,
            *LIGATURES,
            *DIGITS,
            *LONG,
            *EMPTY,
            *PREFIXED,
            *SUFFIXED,
            *ENCODED,
            *(f"x{mark}/y" for mark in MARKS),
            *(f"x/{mark}y" for mark in MARKS),
            *(f"{word}{chr(code)}" for word in WORDS for code in (0, 10, 13, 0x2F00, 0x3000, 0xA0, 0xFFFD, 0x1F600, 0xE000)),
        )
    )
)
