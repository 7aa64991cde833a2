#!/usr/bin/env python3
"""Makes broken inputs: `gen_hostile.py DIR` writes DIR/ok, DIR/bair, DIR/toml, DIR/CASES.tsv.

Needs the standard library only and gives the same bytes each run. Every case differs in one thing
from its control in DIR/ok, which must load. A line of CASES.tsv is: path, expectation, what.
Expectations:
  refuse              an error that names the file
  refuse_unless_root  the same, unless the user may read everything
  refuse_or_skip      an error, or a warning
  refuse_or_warn      an error, or a warning
  refuse_or_exact     an error, or the same values as the control
  bounded             anything, but without unbounded memory

DIR holds a named pipe, links to /dev/zero and a link loop: look at it with care.
"""
import math
import os
import shutil
import struct
import sys
import zlib

ROOT = sys.argv[1]
FRAMES = 30
CASES = []


def case(path, what, expect="refuse"):
    CASES.append((path, expect, what))


def write(path, data):
    full = os.path.join(ROOT, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    if os.path.lexists(full):
        os.unlink(full)
    with open(full, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())


# ---------------------------------------------------------------- pictures
SIGNATURE = b"\x89PNG\r\n\x1a\n"
GRAY, RGB, PALETTE = 0, 2, 3


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width, height, depth=8, color=RGB):
    return SIGNATURE + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))


def png(width, height, raw, depth=8, color=RGB, extra=b""):
    body = chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b"")
    return header(width, height, depth, color) + extra + body


def scanlines(height, line):
    return b"".join(b"\0" + line for _ in range(height))


def scene(t, width=64, height=64):
    """Scanlines of a block that moves right over a gradient."""
    out = bytearray()
    for y in range(height):
        out.append(0)
        for x in range(width):
            block = abs(x - 10 - t) < 6 and abs(y - 32) < 6
            out += bytes((200, 60, 40)) if block else bytes((x * 2 & 255, y * 2 & 255, 90))
    return bytes(out)


GOOD = [png(64, 64, scene(t)) for t in range(FRAMES)]


def table(columns):
    rows = ([math.sin(row + column) / 100 for column in range(columns)] for row in range(FRAMES))
    return "".join(",".join(f"{value:.6f}" for value in row) + "\n" for row in rows)


# ---------------------------------------------------------------- data roots
def sequence(root, without=()):
    """Writes a root with one good sequence; returns the sequence's folder."""
    folder = f"{root}/train/traj_0_to_0/1"
    for t in range(FRAMES):
        if t not in without:
            write(f"{folder}/{t}.png", GOOD[t])
    write(f"{folder}/actions.csv", table(4))
    write(f"{folder}/endeffector_positions.csv", table(3))
    return folder


def with_frame(name, data, what, expect="refuse"):
    write(f"{sequence(f'bair/{name}')}/17.png", data)
    case(f"bair/{name}", what, expect)


def with_table(name, data, what, expect="refuse", file="actions.csv"):
    write(f"{sequence(f'bair/{name}')}/{file}", data)
    case(f"bair/{name}", what, expect)


def without_frame(name, what):
    """Writes a root without frame 17; returns the path where something else can stand."""
    case(f"bair/{name}", what)
    return os.path.join(ROOT, sequence(f"bair/{name}", without=(17,)), "17.png")


def with_copy(name, source, target, what, expect="refuse"):
    sequence(f"bair/{name}")
    root = os.path.join(ROOT, "bair", name).encode()
    shutil.copytree(os.path.join(root, source), os.path.join(root, target))
    case(f"bair/{name}", what, expect)


def pictures():
    middle = GOOD[17]
    flipped = middle[:60] + bytes([middle[60] ^ 0x55]) + middle[61:]
    four = chunk(b"PLTE", bytes(range(12)))
    with_frame("png_truncated", middle[:len(middle) // 2], "17.png ends inside its IDAT chunk")
    with_frame("png_empty", b"", "17.png has 0 bytes")
    with_frame("png_is_text", b"not a picture\n", "17.png holds text")
    with_frame("png_bad_crc", flipped, "17.png: a byte of IDAT is flipped, its CRC-32 is wrong")
    with_frame("png_wrong_size", png(64, 48, scene(17, 64, 48)), "17.png is 64x48")
    with_frame("png_all_32", png(32, 32, scene(17, 32, 32)), "17.png is 32x32")
    with_frame("png_16bit", png(64, 64, scanlines(64, bytes(64 * 6)), depth=16), "17.png is 16-bit RGB")
    with_frame("png_palette", png(64, 64, scanlines(64, bytes(x % 4 for x in range(64))), color=PALETTE, extra=four),
               "17.png has a palette")
    with_frame("png_palette_index_out_of_range",
               png(64, 64, scanlines(64, bytes([200]) * 64), color=PALETTE, extra=four),
               "17.png has indices beyond its palette of 4")
    with_frame("png_gray", png(64, 64, scanlines(64, bytes(64)), color=GRAY), "17.png is grey")
    with_frame("png_zero_width", png(0, 64, b""), "17.png: IHDR says width 0")
    with_frame("png_huge_header", png(0x7FFFFFFF, 0x7FFFFFFF, scene(17)),
               "17.png: IHDR says 2147483647 x 2147483647, 12 KB of pixels follow")


def bombs():
    packer = zlib.compressobj(9)
    zeros = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    body = chunk(b"IDAT", zeros) + chunk(b"IEND", b"")
    with_frame("png_bomb_big", header(12000, 11650) + body, "17.png: 12000x11650, inflates to 419 MB")
    with_frame("png_bomb_idat", header(64, 64) + body,
               "17.png: IHDR says 64x64, IDAT inflates to 419 MB", "bounded")
    with_frame("png_bomb_ztxt", png(64, 64, scene(17), extra=chunk(b"zTXt", b"Comment\0\0" + zeros)),
               "17.png: a good picture with a comment that inflates to 419 MB", "bounded")


def folders():
    sequence("bair/frame_17_missing", without=(17,))
    case("bair/frame_17_missing", "there is no 17.png")
    sequence("bair/frame_0_missing", without=(0,))
    case("bair/frame_0_missing", "there is no 0.png")
    os.makedirs(without_frame("frame_is_directory", "17.png is a directory"))
    os.mkfifo(without_frame("frame_is_fifo", "17.png is a named pipe that nobody writes to"))
    os.symlink("/dev/zero", without_frame("frame_is_dev_zero", "17.png is a link to /dev/zero"))
    os.symlink("nowhere.png", without_frame("frame_dangling_link", "17.png is a link to nothing"))
    os.symlink("17.png", without_frame("frame_link_to_itself", "17.png is a link to itself"))

    actions = os.path.join(ROOT, sequence("bair/csv_is_dev_zero"), "actions.csv")
    os.unlink(actions)
    os.symlink("/dev/zero", actions)
    case("bair/csv_is_dev_zero", "actions.csv is a link to /dev/zero")

    os.symlink("../..", os.path.join(ROOT, sequence("bair/dir_link_loop"), "..", "2"))
    case("bair/dir_link_loop", "traj_0_to_0/2 is a link to the data root above it")
    os.chmod(os.path.join(ROOT, sequence("bair/unreadable_file"), "17.png"), 0)
    case("bair/unreadable_file", "17.png has mode 000", "refuse_unless_root")

    first, outer = b"train/traj_0_to_0/1", b"train/traj_0_to_0"
    with_copy("non_utf8_name", first, b"train/traj_\xff\xfe_to_9/1", "a folder's name is not UTF-8", "refuse_or_skip")
    with_copy("duplicate_number", first, b"train/traj_0_to_0/01", "folders `1` and `01`")
    with_copy("duplicate_traj", outer, b"train/traj_00_to_00", "the same range twice", "refuse_or_warn")
    with_copy("same_sequence_in_train_and_test", b"train", b"test", "a sequence in train and test", "refuse_or_warn")

    os.makedirs(os.path.join(ROOT, "bair/empty_root/train"))
    case("bair/empty_root", "train/ holds nothing")
    write("bair/root_is_a_file/train", "x")
    case("bair/root_is_a_file", "train is a file")
    sequence("bair/number_overflow")
    train = os.path.join(ROOT, "bair/number_overflow/train")
    os.rename(f"{train}/traj_0_to_0", f"{train}/traj_0_to_99999999999999999999999")
    case("bair/number_overflow", "a folder's number does not fit 64 bits", "refuse_or_exact")


def tables():
    good = table(4)
    lines = good.splitlines(True)

    def row_12(text):
        return "".join(lines[:11] + [text] + lines[12:])

    with_table("actions_29_rows", "".join(lines[:29]), "actions.csv has 29 rows")
    with_table("actions_31_rows", good + lines[0], "actions.csv has 31 rows")
    with_table("actions_nan", row_12("nan,0,0,0\n"), "row 12 starts with nan")
    with_table("actions_inf", row_12("inf,0,0,0\n"), "row 12 starts with inf")
    with_table("actions_overflow", row_12("1e400,0,0,0\n"), "row 12 holds 1e400")
    with_table("actions_text", row_12("left,0,0,0\n"), "row 12 holds a word")
    with_table("actions_bom", b"\xef\xbb\xbf" + good.encode(), "a byte-order mark", "refuse_or_exact")
    with_table("actions_crlf", good.replace("\n", "\r\n"), "CRLF line ends", "refuse_or_exact")
    with_table("actions_no_final_newline", good[:-1], "no last newline", "refuse_or_exact")
    with_table("actions_extra_column", "".join(line[:-1] + ",0.5\n" for line in lines), "5 columns")
    with_table("actions_ragged", "".join(lines[:20] + ["0.1,0.2,0.3\n"] + lines[21:]), "row 21 has 3 columns")
    with_table("actions_empty", b"", "0 bytes")
    with_table("actions_header", "dx,dy,dz,grip\n" + good, "a header row")
    with_table("actions_semicolons", good.replace(",", ";"), "semicolons")
    with_table("actions_utf16", good.encode("utf-16"), "UTF-16")
    with_table("actions_nul", row_12("0.1\0,0,0,0\n"), "row 12 holds a NUL byte")
    with_table("actions_one_long_line", b"0.1," * 500000, "one line of 2 MB")
    with_table("ee_four_columns", good, "4 columns instead of 3", file="endeffector_positions.csv")
    os.unlink(os.path.join(ROOT, sequence("bair/ee_missing"), "endeffector_positions.csv"))
    case("bair/ee_missing", "there is no endeffector_positions.csv")


# ---------------------------------------------------------------- sweep files
def sweeps():
    axes = "".join(f"axis{i:02d} = [{','.join(map(str, range(1000)))}]\n" for i in range(12))
    for name, data, what in (
        ("unclosed_table", "[sweep\nlr = [0.1]\n", "a table header without ]"),
        ("unclosed_string", 'name = "abc\n', "a string that never closes"),
        ("unclosed_array", "[sweep]\nlr = [0.1, 0.2\n", "an array that never closes"),
        ("duplicate_key", "[sweep]\nlr = [0.1]\nlr = [0.2]\n", "a key given twice"),
        ("duplicate_table", "[sweep]\nlr = [0.1]\n[sweep]\nseed = [1]\n", "a table given twice"),
        ("missing_value", "[sweep]\nlr =\n", "a key without a value"),
        ("huge_integer", "[sweep]\nseed = [1" + "0" * 30 + "]\n", "an integer beyond 64 bits"),
        ("nan_lr", "[sweep]\nlr = [nan, inf, -1.0, 0.0]\n", "senseless learning rates"),
        ("wrong_type", '[sweep]\nlr = "fast"\nseed = [[1, [2]]]\nepochs = -3\n', "wrong types"),
        ("empty_list", "[sweep]\nlr = []\nseed = [1]\n", "an axis without values"),
        ("grid_explosion", "[sweep]\n" + axes, "12 axes of 1000 values: 10^36 runs"),
        ("unknown_key", "[sweep]\nlearning_raet = [0.1]\n", "a misspelt key"),
        ("deep_nesting", "x = " + "[" * 100000 + "]" * 100000 + "\n", "100000 nested arrays"),
        ("deep_tables", "[" + ".".join(["a"] * 50000) + "]\nx = 1\n", "a table 50000 deep"),
        ("not_utf8", b'name = "\xff\xfe"\n', "bytes that are not UTF-8"),
        ("nul", b'name = "a\0b"\n', "a NUL byte inside a string"),
        ("utf16", "[sweep]\nlr = [0.1]\n".encode("utf-16"), "UTF-16"),
        ("empty", "", "0 bytes"),
        ("merge_conflict", "[sweep]\n<<<<<<< HEAD\nlr = [0.1]\n=======\nlr = [0.2]\n>>>>>>> x\n", "merge markers"),
    ):
        write(f"toml/{name}.toml", data)
        case(f"toml/{name}.toml", what)


sequence("ok/bair")
pictures()
bombs()
folders()
tables()
sweeps()
with open(os.path.join(ROOT, "CASES.tsv"), "w", encoding="utf-8") as listing:
    listing.writelines("\t".join(line) + "\n" for line in CASES)
