"""Tests of recipe, files, recorder and reader: `python -m unittest` in this folder, with NumPy only."""

import pathlib
import tempfile
import unittest

import numpy as np

import cells_numpy
import compare
import fill
import recorder
import tensorfile
from digest import digest
from reader import Case


def unit_in_python(name, i):
    """The recipe in Python's own integers."""
    z = fill.fnv1a64(name.encode()) + (i + 1) * fill.GOLDEN_GAMMA & fill.MASK
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & fill.MASK
    z = (z ^ z >> 27) * 0x94D049BB133111EB & fill.MASK
    return ((z ^ z >> 31) >> 40) * 2.0**-24


class Recipe(unittest.TestCase):
    def test_draws_are_those_of_the_published_self_test(self):
        expected = {"name": "selftest/x", "unit_0": 0.7890307903289795, "unit_1": 0.028378307819366455}
        self.assertEqual(fill.selftest(), expected)
        fill.check_selftest(expected)
        with self.assertRaises(ValueError):
            fill.check_selftest({**expected, "unit_1": 0.5})

    def test_arrays_match_the_definition(self):
        draws = [unit_in_python("a/b", i) for i in range(36)]
        self.assertEqual(fill.unit("a/b", 0, 36).tolist(), draws)
        uniform = np.array([-0.3 + (0.7 - -0.3) * u for u in draws], np.float32)
        np.testing.assert_array_equal(fill.uniform("a/b", 36, -0.3, 0.7), uniform)
        sums = [0.7 * (sum(draws[12 * i : 12 * i + 12]) - 6.0) for i in range(3)]
        np.testing.assert_array_equal(fill.normalish("a/b", 3, 0.7), np.array(sums, np.float32))
        self.assertEqual(fill.byte("a/b", 3).tolist(), [int(256 * u) for u in draws[:3]])
        order = sorted(range(36), key=lambda i: (draws[i], i))
        self.assertEqual(fill.permutation("a/b", 36).tolist(), order)

    def test_chunks_do_not_change_values(self):
        chunk, fill.CHUNK = fill.CHUNK, 5
        try:
            pieces = fill.uniform("x", 13, 0.0, 1.0), fill.normalish("x", 13, 1.0)
        finally:
            fill.CHUNK = chunk
        np.testing.assert_array_equal(pieces[0], fill.uniform("x", 13, 0.0, 1.0))
        np.testing.assert_array_equal(pieces[1], fill.normalish("x", 13, 1.0))

    def test_a_fill_with_wrong_keys_is_rejected(self):
        for spec in ({"kind": "uniform", "lo": 0}, {"kind": "constant"}, {"kind": "stored"}):
            with self.assertRaises(ValueError):
                fill.fill("x", [2], "f32", spec)


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def test_tensors_survive_a_file(self):
        tensors = {
            "b": np.arange(6, dtype=np.float32).reshape(2, 3).T,
            "scalar": np.array(0.1),
            "empty": np.zeros([0, 3], np.int64),
            "ü/1": np.array([1, 255], np.uint8),
        }
        tensorfile.write(self.root / "t.safetensors", tensors)
        read = tensorfile.read(self.root / "t.safetensors")
        self.assertEqual(sorted(read), sorted(tensors))
        for name, tensor in tensors.items():
            self.assertEqual(read[name].dtype, tensor.dtype)
            np.testing.assert_array_equal(read[name], tensor)

    def test_a_truncated_file_is_rejected(self):
        path = self.root / "t.safetensors"
        tensorfile.write(path, {"a": np.zeros(4)})
        whole = path.read_bytes()
        for size in (0, 7, 20, len(whole) - 1):
            path.write_bytes(whole[:size])
            with self.assertRaises(ValueError):
                tensorfile.read(path)

    def test_a_recorded_case_reads_back_as_it_was_declared(self):
        case = recorder.Case(
            "mine", "product", 'a "product"\nof two', framework="numpy", framework_version="2",
            repository="here", entry="x.py:f", notes=["tab\there", "ünïcode \\"],
        )  # fmt: skip
        case.configure(lr=1e-8, name="x", flags=[True, False], sizes=[1, 2], table={"a b": 0.5})
        case.parameter("w", [80, 70], recorder.uniform(-1, 1))
        case.buffer("n", [], recorder.constant(3), "i64")
        case.stored("input", "x", np.linspace(0, 1, 70, dtype=np.float32))

        def compute(tensors):
            w = tensors["w"] * tensors["x"]
            return {"y": w @ tensors["x"], "w": w, "n": tensors["n"] + 1}

        case.run(compute)
        folder = case.save(self.root)
        self.assertEqual(folder, self.root / "mine" / "product")
        read = Case.load(folder)
        self.assertEqual((read.summary, read.notes), (case.summary, case.notes))
        self.assertEqual(read.config, case.config)
        self.assertEqual([o["kind"] for o in read.outputs.values()], ["full", "digest", "full"])
        self.assertNotIn("noise", read.outputs["n"])
        for precision in (np.float32, np.float64):
            tensors = {name: read.tensor(name, precision) for name in read.tensors}
            outputs = compute(tensors)
            self.assertEqual(outputs["y"].dtype, precision)
            worst = compare.errors(read, outputs, precision)
            self.assertEqual(set(worst.values()), {0.0})
        self.assertAlmostEqual(read.outputs["y"]["noise"], 1e-7, delta=1e-6)

    def test_a_case_of_declared_outputs_has_no_values(self):
        case = recorder.Case(
            "mine", "q", "s", framework="numpy", framework_version="2", repository="here", entry="f"
        )
        with self.assertRaises(ValueError):
            case.save(self.root)
        case.output("y", [5000])
        read = Case.load(case.save(self.root))
        self.assertEqual(read.outputs["y"]["kind"], "digest")
        self.assertIsNone(read.expected("y"))


class Numbers(unittest.TestCase):
    def test_a_digest_samples_evenly_and_repeats_in_short_tensors(self):
        self.assertEqual(digest(np.arange(128.0))[4:].tolist(), list(range(0, 128, 2)))
        short = digest(np.array([3.0, -4.0]))
        self.assertEqual(short[:4].tolist(), [-0.5, 3.5, 5.0, 4.0])
        self.assertEqual(short[4:].tolist(), [3.0] * 32 + [-4.0] * 32)

    def test_noise_is_relative_to_the_largest_value_and_rounded_up(self):
        self.assertEqual(recorder.noise(np.array([1, 2], np.float32), np.array([1.0, 2.0])), 0.0)
        noise = recorder.noise(np.array([1, 2], np.float32), np.array([1.00012345, 2.0]))
        self.assertEqual(noise, 6.18e-05)

    def test_gradients_of_the_cells_are_those_of_finite_differences(self):
        rng = np.random.default_rng(0)
        sizes = ([12, 2], [12, 3], [12], [12])
        weights = [rng.normal(size=size) for size in sizes]
        x, h, c, d_h, d_c = (rng.normal(size=[4, n]) for n in (2, 3, 3, 3, 3))

        def total(weights):
            h_t, c_t, _ = cells_numpy.LstmCell(*weights).forward(x, h, c)
            return (h_t * d_h + c_t * d_c).sum()

        cell = cells_numpy.LstmCell(*weights)
        gradients = cell.backward(d_h, d_c, cell.forward(x, h, c)[2])[3]
        for weight, name in zip(weights, cell.NAMES):
            index = tuple(np.array(weight.shape) // 2)
            middle, step = weight[index], 1e-6
            weight[index] = middle + step
            above = total(weights)
            weight[index] = middle - step
            slope = (above - total(weights)) / (2 * step)
            weight[index] = middle
            self.assertAlmostEqual(gradients[name][index], slope, places=7)


if __name__ == "__main__":
    unittest.main()
