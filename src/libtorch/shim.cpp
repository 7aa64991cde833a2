// The few parts of libtorch that tch does not reach: switches that decide bits, and two arguments of
// operators. Nothing here throws across the language border: switches cannot fail, and an operator
// reports failure through a null pointer and `reprise_last_error`.

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Version.h>
#include <torch/headeronly/version.h>

#include <exception>
#include <string>

namespace {
thread_local std::string last_error;

template <typename Operator>
at::Tensor *guarded(Operator &&run) {
  try {
    return new at::Tensor(run());
  } catch (const std::exception &error) {
    last_error = error.what();
    return nullptr;
  }
}

template <typename Query>
long counted(Query &&query) {
  try {
    return query();
  } catch (const std::exception &) {
    return 0;
  }
}
}  // namespace

extern "C" {

const char *reprise_last_error() { return last_error.c_str(); }

const char *reprise_libtorch_version() { return TORCH_VERSION; }

const char *reprise_cpu_capability() {
  static const std::string capability = at::get_cpu_capability();
  return capability.c_str();
}

// Deterministic algorithms where libtorch has them, an error where it has none; no TF32; no
// benchmark-driven choice of kernels. Uninitialized memory stays unfilled: nothing here reads it.
void reprise_set_determinism() {
  auto &context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

// Reads the switches back, so that a record states what was in force and not what was asked for.
int reprise_deterministic_algorithms() { return at::globalContext().deterministicAlgorithms(); }
int reprise_deterministic_cudnn() { return at::globalContext().deterministicCuDNN(); }
int reprise_benchmark_cudnn() { return at::globalContext().benchmarkCuDNN(); }
int reprise_allow_tf32_cudnn() { return at::globalContext().allowTF32CuDNN(); }
int reprise_allow_tf32_cublas() { return at::globalContext().allowTF32CuBLAS(); }

// Versions as CUDA counts them, e.g. 13000 for 13.0; 0 where `libtorch_cuda` is not loaded.
long reprise_cuda_runtime() {
  return counted([] { return at::Context::versionCUDART(); });
}
long reprise_cudnn() {
  return counted([] { return at::Context::versionCuDNN(); });
}

at::Tensor *reprise_leaky_relu(const at::Tensor *input, double negative_slope) {
  return guarded([&] { return at::leaky_relu(*input, negative_slope); });
}

at::Tensor *reprise_add_scaled(const at::Tensor *input, const at::Tensor *other, double alpha) {
  return guarded([&] { return at::add(*input, *other, alpha); });
}

}  // extern "C"
