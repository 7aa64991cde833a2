// Parts of libtorch that tch does not expose: determinism switches, some operators and some of their
// arguments. No exception crosses the language boundary: switches cannot fail, and operators report
// failure by a null pointer or 0 and `reprise_last_error`.

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <torch/headeronly/version.h>

#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

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

template <typename Operator>
int done(Operator &&run) {
  try {
    run();
    return 1;
  } catch (const std::exception &error) {
    last_error = error.what();
    return 0;
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

// Deterministic algorithms, and an error for operators that have none; no TF32; no choice of kernels
// by benchmark. Uninitialized memory is not filled, because nothing reads it.
void reprise_set_determinism() {
  // cuBLAS is deterministic only with this; it reads the variable when it is first used.
  setenv("CUBLAS_WORKSPACE_CONFIG", ":4096:8", /*overwrite=*/1);
  auto &context = at::globalContext();
  context.setDeterministicAlgorithms(true, /*warn_only=*/false);
  context.setDeterministicFillUninitializedMemory(false);
  context.setDeterministicCuDNN(true);
  context.setBenchmarkCuDNN(false);
  context.setAllowTF32CuDNN(false);
  context.setAllowTF32CuBLAS(false);
}

// Reads the switches back, so that a record contains their actual values, not the requested ones.
int reprise_deterministic_algorithms() { return at::globalContext().deterministicAlgorithms(); }
int reprise_deterministic_cudnn() { return at::globalContext().deterministicCuDNN(); }
int reprise_benchmark_cudnn() { return at::globalContext().benchmarkCuDNN(); }
int reprise_allow_tf32_cudnn() { return at::globalContext().allowTF32CuDNN(); }
int reprise_allow_tf32_cublas() { return at::globalContext().allowTF32CuBLAS(); }

// Versions in CUDA's numbering, e.g. 13000 for 13.0; 0 if `libtorch_cuda` is not loaded.
long reprise_cuda_runtime() {
  return counted([] { return at::Context::versionCUDART(); });
}
long reprise_cudnn() {
  return counted([] { return at::Context::versionCuDNN(); });
}

// Sets the type of the convolutions and linear layers of this thread: 0 that of their operands,
// 1 bfloat16, 2 float16.
int reprise_autocast(int cuda, int type) {
  return done([&] {
    const auto device = cuda ? at::kCUDA : at::kCPU;
    at::autocast::set_autocast_dtype(device, type == 2 ? at::kHalf : at::kBFloat16);
    at::autocast::set_autocast_enabled(device, type != 0);
    if (type == 0) at::autocast::clear_cache();
  });
}

int reprise_unscale_(size_t count, at::Tensor *const *gradients, const at::Tensor *overflow,
                     const at::Tensor *inverse) {
  return done([&] {
    std::vector<at::Tensor> list;
    for (size_t index = 0; index < count; ++index) list.push_back(*gradients[index]);
    at::Tensor found = *overflow;
    if (count > 0) at::_amp_foreach_non_finite_check_and_unscale_(list, found, *inverse);
  });
}

at::Tensor *reprise_leaky_relu(const at::Tensor *input, double negative_slope) {
  return guarded([&] { return at::leaky_relu(*input, negative_slope); });
}

at::Tensor *reprise_leaky_relu_(const at::Tensor *input, double negative_slope) {
  return guarded([&] {
    at::Tensor output = *input;
    return at::leaky_relu_(output, negative_slope);
  });
}

at::Tensor *reprise_channels_last(const at::Tensor *input) {
  return guarded([&] { return input->contiguous(at::MemoryFormat::ChannelsLast); });
}

int reprise_forget_gradient(const at::Tensor *parameter) {
  return done([&] { parameter->mutable_grad().reset(); });
}

int reprise_addcmul_(const at::Tensor *self, const at::Tensor *a, const at::Tensor *b,
                     double value) {
  return done([&] { self->addcmul_(*a, *b, value); });
}

int reprise_addcdiv_(const at::Tensor *self, const at::Tensor *a, const at::Tensor *b,
                     double value) {
  return done([&] { self->addcdiv_(*a, *b, value); });
}

int reprise_fused_adam_(size_t count, at::Tensor *const *p, at::Tensor *const *g,
                        at::Tensor *const *m, at::Tensor *const *v, const at::Tensor *step,
                        double learning_rate, double beta1, double beta2, double epsilon,
                        double weight_decay) {
  const auto list = [count](at::Tensor *const *tensors) {
    std::vector<at::Tensor> list;
    for (size_t index = 0; index < count; ++index) list.push_back(*tensors[index]);
    return list;
  };
  return done([&] {
    at::_fused_adam_(list(p), list(g), list(m), list(v), {}, std::vector<at::Tensor>(count, *step),
                     learning_rate, beta1, beta2, weight_decay, epsilon, /*amsgrad=*/false,
                     /*maximize=*/false);
  });
}

at::Tensor *reprise_add_scaled(const at::Tensor *input, const at::Tensor *other, double alpha) {
  return guarded([&] { return at::add(*input, *other, alpha); });
}

}  // extern "C"
