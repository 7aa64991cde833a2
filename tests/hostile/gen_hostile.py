#!/usr/bin/env python3
"""Makes broken inputs: `gen_hostile.py DIR [KIND...]` writes DIR/ok, DIR/KIND..., DIR/CASES.tsv.

Kinds are bair, toml, npy and tfrecord; without any all are made.

Needs the standard library only and gives the same bytes each run. Every case differs in one thing
from its control in DIR/ok, which must load. A line of CASES.tsv is: path, expectation, what.
Expectations:
  refuse              an error that names the file
  refuse_unless_root  the same, unless the user may read everything
  refuse_or_skip      an error, or a warning
  refuse_or_warn      an error, or a warning
  refuse_or_exact     an error, or the same values as the control
  refuse_or_last      an error, or the last of two values
  bounded             anything, but without unbounded memory

DIR holds a named pipe, links to /dev/zero and a link loop: look at it with care.
"""
import gzip
import io
import math
import os
import pickle
import shutil
import struct
import sys
import zipfile
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
               "17.png has a palette", "refuse_or_warn")
    with_frame("png_palette_index_out_of_range",
               png(64, 64, scanlines(64, bytes([200]) * 64), color=PALETTE, extra=four),
               "17.png has indices beyond its palette of 4")
    with_frame("png_gray", png(64, 64, scanlines(64, bytes(64)), color=GRAY), "17.png is grey", "refuse_or_warn")
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


# ---------------------------------------------------------------- arrays
def npy(header, data=b"", version=1, length=None, magic=b"\x93NUMPY"):
    text = header if isinstance(header, bytes) else header.encode()
    prefix = 10 if version == 1 else 12
    text += b" " * (-(prefix + len(text) + 1) % 64) + b"\n"
    length = len(text) if length is None else length
    packed = struct.pack("<H" if version == 1 else "<I", length)
    return magic + bytes((version, 0)) + packed + text + data


def npy_header(descr="|u1", fortran="False", shape="(20, 1, 64, 64)"):
    return "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape)


def archive(members):
    """A zip of (name, chunks) pairs, deflated."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for name, chunks in members:
            member = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            with packed.open(member, "w") as file:
                for data in chunks:
                    file.write(data)
    return out.getvalue()


def arrays():
    pixels = bytes(20 * 64 * 64)
    good = npy(npy_header(), pixels)
    columns_first = bytes((t * 7 + y * 3 + x) & 255 for x in range(64) for y in range(64) for t in range(20))
    structured = "{'descr': [('a', '|u1'), ('b', '|u1')], 'fortran_order': False, 'shape': (4096,), }"
    without_shape = "{'descr': '|u1', 'fortran_order': False, }"
    two_shapes = without_shape[:-1] + "'shape': (20, 1, 64, 64), 'shape': (1, 1, 1, 1), }"
    nested = without_shape[:-1] + "'shape': " + "(" * 60000 + ", }"
    not_ascii = npy_header().encode().replace(b"|u1", b"\xff\xfe")
    megabyte = bytes(1 << 20)
    traversal = archive([("../../evil.npy", [good])])

    def shaped(shape, data=pixels):
        return npy(npy_header(shape=shape), data)

    write("ok/mnist_test_seq.npy", good)
    for name, data, what, *expect in (
        ("dtype_f8.npy", npy(npy_header("<f8", shape="(2, 1, 64, 64)"), bytes(65536)), "float64"),
        ("dtype_u2_big_endian.npy", npy(npy_header(">u2", shape="(2, 1, 64, 64)"), bytes(16384)), "big-endian uint16"),
        ("dtype_structured.npy", npy(structured, bytes(8192)), "a structured type"),
        ("object_pickle.npy", npy(npy_header("|O", shape="(3,)"), pickle.dumps([1, "two", None], 2)), "objects: the body is a pickle"),
        ("fortran_order.npy", npy(npy_header(fortran="True"), columns_first), "columns first", "refuse_or_exact"),
        ("header_len_65535.npy", npy(npy_header(), pixels[:100], length=65535), "a header that is longer than the file"),
        ("header_len_4g.npy", npy(npy_header(), pixels[:100], 2, 0xFFFFFFFF), "a header of 4 GB, and 228 bytes"),
        ("header_big_real.npy", npy(npy_header() + " " * 3000000, pixels, 2), "3 MB of blanks before good data", "bounded"),
        ("shape_2_62.npy", shaped("(4611686018427387904, 4)", b"abc"), "a shape that overflows 64 bits"),
        ("shape_wraps_to_zero.npy", shaped("(4294967296, 4294967296, 64, 64)", b""), "a shape that is 0 modulo 2^64"),
        ("shape_wraps_to_data_length.npy", shaped("(81920, 9223372036854775809, 2)", pixels * 2), "a shape that wraps to the true length"),
        ("shape_huge_no_data.npy", shaped("(20, 10000000, 64, 64)", bytes(64)), "819 GB, and 64 bytes"),
        ("shape_negative.npy", shaped("(20, -1, 64, 64)"), "a negative extent"),
        ("shape_beyond_u64.npy", shaped("(99999999999999999999999999, 1)"), "an extent beyond 64 bits"),
        ("shape_zero_sequences.npy", shaped("(20, 0, 64, 64)", b""), "no sequence"),
        ("shape_three_axes.npy", shaped("(20, 64, 64)"), "three axes"),
        ("shape_transposed.npy", shaped("(64, 64, 20, 1)"), "axes in another order"),
        ("data_truncated.npy", npy(npy_header(), pixels[:-1]), "one byte short"),
        ("data_trailing.npy", npy(npy_header(), pixels + b"x"), "one byte too many", "refuse_or_warn"),
        ("bad_magic.npy", npy(npy_header(), pixels, magic=b"\x93NUMPZ"), "wrong magic"),
        ("version_9.npy", npy(npy_header(), pixels, 9), "format version 9"),
        ("header_not_dict.npy", npy("open('x')", pixels), "an expression for a header"),
        ("header_missing_shape.npy", npy(without_shape, pixels), "no shape"),
        ("header_duplicate_shape.npy", npy(two_shapes, pixels), "two shapes"),
        ("header_deep_nesting.npy", npy(nested, pixels), "60000 open brackets"),
        ("header_non_ascii.npy", npy(not_ascii, pixels), "bytes ff fe for a type"),
        ("empty.npy", b"", "0 bytes"),
        ("only_magic.npy", b"\x93NUMPY\x01\x00", "nothing after the version"),
        ("zip_bomb.npz", archive([("arr_0.npy", [shaped("(20, 5000, 64, 64)", b"")] + [megabyte] * 390 + [bytes(655360)])]), "0.4 MB that inflate to 410 MB", "bounded"),
        ("zip_header_lies.npz", archive([("arr_0.npy", [npy(npy_header())] + [megabyte] * 300)]), "82 KB that inflate to 315 MB", "bounded"),
        ("zip_traversal.npz", traversal, "a member named ../../evil.npy"),
        ("zip_no_npy.npz", archive([("readme.txt", [b"hello"])]), "no .npy member"),
        ("zip_truncated.npz", traversal[:90], "an archive without its end"),
    ):
        write(f"npy/{name}", data)
        case(f"npy/{name}", what, *expect)


# ---------------------------------------------------------------- records
def crc_table():
    for i in range(256):
        for _ in range(8):
            i = (i >> 1) ^ (0x82F63B78 if i & 1 else 0)
        yield i


CRC_TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def record(data, length=None, length_crc=None, data_crc=None):
    head = struct.pack("<Q", len(data) if length is None else length)
    length_crc = masked(head) if length_crc is None else length_crc
    data_crc = masked(data) if data_crc is None else data_crc
    return head + struct.pack("<I", length_crc) + data + struct.pack("<I", data_crc)


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def strings(*values):
    return field(1, b"".join(field(1, value) for value in values))


def floats(*values):
    return field(2, field(1, struct.pack("<%df" % len(values), *values)))


def integers(*values):
    return field(3, field(1, b"".join(varint(value) for value in values)))


def example(entries):
    def entry(key, value):
        key = key if isinstance(key, bytes) else key.encode()
        return field(1, field(1, key) + field(2, value))

    return field(1, b"".join(entry(key, value) for key, value in entries))


IMAGE = bytes(x * 3 & 255 for x in range(64 * 64 * 3))


def berkeley(changed=None, extra=()):
    """An example of 30 frames; a feature that is changed to None is left out."""
    features = {}
    for t in range(FRAMES):
        features[f"{t}/image_aux1/encoded"] = strings(IMAGE)
        features[f"{t}/endeffector_pos"] = floats(0.1, 0.2, 0.3)
        features[f"{t}/action"] = floats(0.01, 0, -0.01, 1)
    features.update(changed or {})
    return example([(key, value) for key, value in features.items() if value is not None] + list(extra))


def google(image):
    features = []
    for t in range(12):
        features.append((f"move/{t}/image/encoded", strings(image)))
        features.append((f"move/{t}/endeffector/vec_pitch_yaw", floats(0, 0, 0, 0, 0)))
        features.append((f"move/{t}/commanded_pose/vec_pitch_yaw", floats(0, 0, 0, 0, 0)))
    return record(example(features))


def records():
    good = berkeley()
    small = example([("0/action", floats(0, 0, 0, 0))])
    huge = b"\xff\xd8\xff\xc0" + struct.pack(">HBHHB", 17, 8, 65535, 65535, 3) + bytes((1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1))

    def changed(key, value):
        return record(berkeley({key: value}))

    write("ok/traj_0_to_0.tfrecords", record(good))
    for name, data, what, *expect in (
        ("bad_length_crc", record(small, length_crc=0x12345678), "wrong checksum of the length"),
        ("bad_data_crc", record(good, data_crc=0x12345678), "wrong checksum of the data"),
        ("unmasked_crc", record(good, data_crc=crc32c(good)), "a checksum without its mask"),
        ("length_2_63", record(small, length=1 << 63), "length 2^63 with a right checksum"),
        ("length_max", record(small, length=(1 << 64) - 1), "length 2^64-1 with a right checksum"),
        ("length_2g", record(small, length=0x7FFFFFFF), "length 2147483647 with a right checksum"),
        ("truncated_data", record(good)[:-40000], "ends inside the data"),
        ("truncated_footer", record(good)[:-2], "ends inside the checksum of the data"),
        ("truncated_length", record(good) + b"\x10\0\0", "a second record ends inside its length"),
        ("varint_overflow", record(b"\x0a" + b"\xff" * 11 + b"\x01" + bytes(20)), "a number of 12 bytes"),
        ("varint_unterminated", record(b"\x0a" + b"\xff" * 5), "a number that does not end"),
        ("proto_length_beyond", record(b"\x0a" + varint(1 << 40) + b"abc"), "an inner length of 2^40"),
        ("proto_group", record(b"\x0b" * 20000), "20000 groups inside each other"),
        ("proto_wire_type_7", record(b"\x0f\x00"), "wire type 7"),
        ("proto_field_zero", record(b"\x02\x00"), "field number 0"),
        ("missing_key", changed("17/image_aux1/encoded", None), "no 17/image_aux1/encoded"),
        ("action_3_floats", changed("17/action", floats(1, 2, 3)), "17/action has 3 floats"),
        ("action_5_floats", changed("17/action", floats(1, 2, 3, 4, 5)), "17/action has 5 floats"),
        ("action_half_float", changed("17/action", field(2, field(1, bytes(15)))), "17/action has 15 bytes of floats"),
        ("action_int64", changed("17/action", integers(1, 2, 3, 4)), "17/action holds integers"),
        ("action_nan", changed("17/action", floats(math.nan, 0, 0, 0)), "17/action holds NaN"),
        ("image_short", changed("17/image_aux1/encoded", strings(IMAGE[:-1])), "an image of 12287 bytes"),
        ("image_two_values", changed("17/image_aux1/encoded", strings(IMAGE, IMAGE)), "two images in one feature"),
        ("key_twice", record(berkeley(extra=[("17/action", floats(9, 9, 9, 9))])), "17/action is there twice", "refuse_or_last"),
        ("key_not_utf8", record(berkeley(extra=[(b"\xff\xfe/x", floats(1))])), "an extra key that is not UTF-8", "refuse_or_skip"),
        ("empty", b"", "0 bytes"),
        ("gzip_inside", gzip.compress(changed("17/action", floats(9, 9, 9, 9)), 9, mtime=0), "the whole file is gzip", "refuse_or_last"),
        ("second_record_bad", record(good) + record(good, data_crc=1), "a second record with a wrong checksum"),
    ):
        write(f"tfrecord/{name}.tfrecords", data)
        case(f"tfrecord/{name}.tfrecords", what, *expect)
    for name, image, what in (
        ("push_jpeg_is_text", b"no jpeg", "images are text"),
        ("push_jpeg_huge", huge, "images claim 65535x65535 pixels and end"),
        ("push_jpeg_empty", b"", "images have 0 bytes"),
    ):
        path = f"tfrecord/{name}.tfrecord-00000-of-00001"
        write(path, google(image))
        case(path, what)


def data_roots():
    sequence("ok/bair")
    pictures()
    bombs()
    folders()
    tables()


KINDS = {"bair": data_roots, "toml": sweeps, "npy": arrays, "tfrecord": records}
for kind in sys.argv[2:] or KINDS:
    KINDS[kind]()
with open(os.path.join(ROOT, "CASES.tsv"), "w", encoding="utf-8") as listing:
    listing.writelines("\t".join(line) + "\n" for line in CASES)
