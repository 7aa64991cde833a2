// A simulated CUDA device for tests: a `libtorch_cuda.so` for the CPU build of libtorch.
//
// Memory of a device is host memory that only kernels can access; kernels are the CPU's, so a computation
// has the CPU's bits. The simulation is stricter than a GPU:
// - an operator that is given a device tensor and a tensor of the CPU or of another device fails and is named
//   (numbers that libtorch wraps are allowed, and copies);
// - a read of device memory by the host ends the process and names the last operator;
// - fresh memory is filled with bytes that are NaN in every floating-point type;
// - an index that no device has is an error.
// It counts what costs time on a GPU: launches, copies, synchronizations, allocations.
//
// Environment:
//   SIMULATED_CUDA_DEVICES    number of devices, 1 unless set
//   SIMULATED_CUDA_BYTES      memory of each device, unlimited unless set
//   SIMULATED_CUDA_COUNTERS   folder; a process writes its counters to PID.json when it exits
//   SIMULATED_CUDA_LOST       number of a device on which every allocation fails, as after a hardware error
//   CUDA_VISIBLE_DEVICES      numbers of the devices that the process sees, as on a GPU

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/Resize.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <string>
#include <vector>

namespace {

using at::Tensor;
using c10::IValue;

constexpr int DEVICES_MAX = 64;

size_t from_environment(const char *name, size_t otherwise) {
  const char *text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

// Numbers of the devices of this process.
const std::vector<size_t> &visible_devices() {
  // Never destroyed: counters are written when the process exits.
  static const auto *devices = new std::vector<size_t>([] {
    const size_t all = std::min<size_t>(from_environment("SIMULATED_CUDA_DEVICES", 1), DEVICES_MAX);
    std::vector<size_t> numbers;
    const char *selection = std::getenv("CUDA_VISIBLE_DEVICES");
    std::stringstream entries(selection ? selection : "");
    for (std::string entry; std::getline(entries, entry, ',');) {
      const size_t number = std::strtoull(entry.c_str(), nullptr, 10);
      if (number >= all) break;
      numbers.push_back(number);
    }
    for (size_t number = 0; !selection && number < all; ++number) numbers.push_back(number);
    return numbers;
  }());
  return *devices;
}

c10::DeviceIndex device_count() {
  return static_cast<c10::DeviceIndex>(visible_devices().size());
}

void check_index(c10::DeviceIndex index) {
  TORCH_CHECK(index >= 0 && index < device_count(), "CUDA error: invalid device ordinal: cuda:",
              static_cast<int>(index), " of ", static_cast<int>(device_count()));
}

// ---- Counters ----------------------------------------------------------------------------------------

struct Counters {
  uint64_t launches = 0;
  uint64_t synchronizations = 0;
  uint64_t to_device_copies = 0, to_device_bytes = 0;
  uint64_t to_host_copies = 0, to_host_bytes = 0;
  uint64_t between_devices_copies = 0, between_devices_bytes = 0;
  uint64_t allocations = 0;
  uint64_t bytes = 0, peak_bytes = 0;
};

std::mutex mutex;  // guards all that follows
Counters counters[DEVICES_MAX];
std::map<std::string, uint64_t> launches_by_operator;

template <typename Change>
void change_counters(c10::DeviceIndex device, Change &&change) {
  const std::lock_guard<std::mutex> lock(mutex);
  change(counters[device]);
}

void write_counters() {
  const char *folder = std::getenv("SIMULATED_CUDA_COUNTERS");
  if (!folder) return;
  const std::string path = std::string(folder) + "/" + std::to_string(getpid()) + ".json";
  FILE *file = std::fopen(path.c_str(), "w");
  if (!file) return;
  const std::lock_guard<std::mutex> lock(mutex);
  std::fprintf(file, "{\"devices\":[");
  for (int device = 0; device < device_count(); ++device) {
    const Counters &of = counters[device];
    std::fprintf(file,
                 "%s{\"number\":%zu,\"launches\":%lu,\"synchronizations\":%lu,\"to_device_copies\":%lu,"
                 "\"to_device_bytes\":%lu,\"to_host_copies\":%lu,\"to_host_bytes\":%lu,"
                 "\"between_devices_copies\":%lu,\"between_devices_bytes\":%lu,"
                 "\"allocations\":%lu,\"peak_bytes\":%lu}",
                 device ? "," : "", visible_devices()[device], of.launches, of.synchronizations, of.to_device_copies,
                 of.to_device_bytes, of.to_host_copies, of.to_host_bytes, of.between_devices_copies,
                 of.between_devices_bytes, of.allocations, of.peak_bytes);
  }
  std::fprintf(file, "],\"operators\":{");
  const char *separator = "";
  for (const auto &[name, launches] : launches_by_operator) {
    std::fprintf(file, "%s\"%s\":%lu", separator, name.c_str(), launches);
    separator = ",";
  }
  std::fprintf(file, "}}\n");
  std::fclose(file);
}

// ---- Memory ------------------------------------------------------------------------------------------

// The last operator of this thread, for the message about a read by the host.
thread_local const char *last_operator = "none";

// Whole pages of a device. They stay mapped while a tensor or a kernel needs them.
struct Allocation {
  Allocation(size_t bytes, c10::DeviceIndex device) : bytes(bytes), device(device) {
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    mapped = (bytes + page - 1) / page * page;
    start = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TORCH_CHECK(start != MAP_FAILED, "the simulation failed to map ", mapped, " bytes");
    std::memset(start, 0xff, mapped);
    mprotect(start, mapped, PROT_NONE);
  }
  Allocation(const Allocation &) = delete;
  Allocation &operator=(const Allocation &) = delete;
  ~Allocation() { munmap(start, mapped); }

  void *start;
  size_t mapped;
  size_t bytes;
  c10::DeviceIndex device;
  int users = 0;  // kernels that use it now; guarded by `mutex`
};

using Shared = std::shared_ptr<Allocation>;

std::map<uintptr_t, Allocation *> allocations;  // by start; guarded by `mutex`

void release(void *context) {
  auto *allocation = static_cast<Shared *>(context);
  const std::lock_guard<std::mutex> lock(mutex);
  allocations.erase(reinterpret_cast<uintptr_t>((*allocation)->start));
  counters[(*allocation)->device].bytes -= (*allocation)->bytes;
  delete allocation;
}

thread_local c10::DeviceIndex device_now = 0;

struct DeviceAllocator final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override { return allocate_on(bytes, device_now); }

  static c10::DataPtr allocate_on(size_t bytes, c10::DeviceIndex device) {
    check_index(device);
    static const size_t lost = from_environment("SIMULATED_CUDA_LOST", SIZE_MAX);
    TORCH_CHECK(visible_devices()[device] != lost, "CUDA error: unspecified launch failure");
    const c10::Device place(c10::DeviceType::CUDA, device);
    if (bytes == 0) return {nullptr, nullptr, &release, place};
    static const size_t capacity = from_environment("SIMULATED_CUDA_BYTES", SIZE_MAX);
    const std::lock_guard<std::mutex> lock(mutex);
    Counters &of = counters[device];
    if (bytes > capacity - std::min<size_t>(of.bytes, capacity)) {
      TORCH_CHECK_WITH(OutOfMemoryError, false, "CUDA out of memory. Tried to allocate ", bytes,
                       " bytes. GPU ", static_cast<int>(device), " has a total capacity of ",
                       capacity, " bytes of which ", capacity - of.bytes, " bytes are free.");
    }
    auto *allocation = new Shared(std::make_shared<Allocation>(bytes, device));
    void *start = (*allocation)->start;
    allocations[reinterpret_cast<uintptr_t>(start)] = allocation->get();
    of.allocations += 1;
    of.bytes += bytes;
    of.peak_bytes = std::max(of.peak_bytes, of.bytes);
    return {start, allocation, &release, place};
  }

  c10::DeleterFnPtr raw_deleter() const override { return nullptr; }

  void copy_data(void *, const void *, std::size_t) const override {
    TORCH_CHECK(false, "the simulated allocator copies no data");
  }
};

DeviceAllocator allocator;

// Opens the memory of device tensors to kernels for as long as it lives.
class OpenMemory {
 public:
  OpenMemory() = default;
  OpenMemory(const OpenMemory &) = delete;
  OpenMemory &operator=(const OpenMemory &) = delete;

  void open(const Tensor &tensor) {
    if (!tensor.has_storage()) return;
    const auto &data = tensor.storage().data_ptr();
    if (!data.get() || data.get_deleter() != &release) return;
    const Shared &allocation = *static_cast<Shared *>(data.get_context());
    const std::lock_guard<std::mutex> lock(mutex);
    if (allocation->users++ == 0) {
      mprotect(allocation->start, allocation->mapped, PROT_READ | PROT_WRITE);
    }
    opened_.push_back(allocation);
  }

  ~OpenMemory() {
    for (const Shared &allocation : opened_) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (--allocation->users == 0) mprotect(allocation->start, allocation->mapped, PROT_NONE);
    }
  }

 private:
  std::vector<Shared> opened_;
};

struct sigaction previous_handler;

// Names an access to closed device memory, then ends the process. Only calls that are safe in a handler.
void on_fault(int signal, siginfo_t *info, void *context) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  const bool locked = mutex.try_lock();
  auto after = allocations.upper_bound(address);
  if (after != allocations.begin()) {
    const Allocation *allocation = std::prev(after)->second;
    if (address - reinterpret_cast<uintptr_t>(allocation->start) < allocation->mapped) {
      char text[256];
      const int length = std::snprintf(
          text, sizeof text,
          "simulated CUDA: the host accessed memory of cuda:%d outside of a kernel, after `%s`\n",
          static_cast<int>(allocation->device), last_operator);
      if (write(STDERR_FILENO, text, static_cast<size_t>(length)) < 0) _exit(87);
      _exit(86);
    }
  }
  if (locked) mutex.unlock();
  sigaction(signal, &previous_handler, nullptr);
  (void)context;  // the access is repeated and meets the previous handler
}

// ---- Devices -----------------------------------------------------------------------------------------

struct Guard final : c10::impl::DeviceGuardImplInterface {
  Guard() = default;
  explicit Guard(c10::DeviceType) {}

  c10::DeviceType type() const override { return c10::DeviceType::CUDA; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    setDevice(device);
    return before;
  }
  c10::Device getDevice() const override { return {c10::DeviceType::CUDA, device_now}; }
  void setDevice(c10::Device device) const override {
    check_index(device.index());
    device_now = device.index();
  }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    device_now = device.index();
  }
  c10::Stream getStream(c10::Device device) const override {
    return c10::Stream(c10::Stream::DEFAULT, device);
  }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return device_count(); }
  // Kernels have ended when their call returns, so events have nothing to wait for.
  void record(void **, const c10::Stream &, const c10::DeviceIndex,
              const c10::EventFlag) const override {}
  void block(void *, const c10::Stream &) const override {}
  bool queryEvent(void *) const override { return true; }
  bool queryStream(const c10::Stream &) const override { return true; }
  void synchronizeStream(const c10::Stream &stream) const override {
    synchronizeDevice(stream.device_index());
  }
  void synchronizeEvent(void *) const override {}
  void synchronizeDevice(const c10::DeviceIndex device) const override {
    change_counters(device, [](Counters &of) { of.synchronizations += 1; });
  }
  void recordDataPtrOnStream(const c10::DataPtr &, const c10::Stream &) const override {}
};

C10_REGISTER_GUARD_IMPL(CUDA, Guard)

}  // namespace

// libtorch looks for a class of this name.
struct CUDAHooks final : at::CUDAHooksInterface {
  explicit CUDAHooks(at::CUDAHooksArgs) {}

  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return device_count() > 0; }
  bool hasCUDA() const override { return device_count() > 0; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return device_count(); }
  int getNumGPUs() const override { return device_count(); }
  c10::DeviceIndex current_device() const override { return device_now; }
  c10::DeviceIndex getCurrentDevice() const override { return device_now; }
  void setCurrentDevice(c10::DeviceIndex device) const override {
    check_index(device);
    device_now = device;
  }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex device) const override {
    const c10::DeviceIndex before = device_now;
    setCurrentDevice(device);
    return before;
  }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex device) const override {
    return exchangeDevice(device);
  }
  c10::Allocator *getCUDADeviceAllocator() const override { return &allocator; }
  c10::Allocator *getPinnedMemoryAllocator() const override {
    return c10::GetAllocator(c10::DeviceType::CPU);
  }
  const at::Generator &getDefaultGenerator(c10::DeviceIndex device) const override {
    static const std::vector<at::Generator> generators = [] {
      std::vector<at::Generator> made;
      for (int index = 0; index < DEVICES_MAX; ++index) {
        made.push_back(at::detail::createCPUGenerator());
      }
      return made;
    }();
    return generators[device < 0 ? device_now : device];
  }
  void deviceSynchronize(c10::DeviceIndex device) const override {
    change_counters(device, [](Counters &of) { of.synchronizations += 1; });
  }
};

namespace at {
REGISTER_CUDA_HOOKS(CUDAHooks)
}

namespace {

// ---- Kernels -----------------------------------------------------------------------------------------

// Returns a CPU tensor over the memory of a device tensor.
Tensor on_cpu(const Tensor &tensor) {
  const auto options = tensor.options().device(c10::kCPU);
  if (tensor.numel() == 0) return at::empty_strided(tensor.sizes(), tensor.strides(), options);
  return at::from_blob(tensor.mutable_data_ptr(), tensor.sizes(), tensor.strides(), options);
}

Tensor empty_on(c10::Device device, at::IntArrayRef sizes, at::IntArrayRef strides,
                at::ScalarType type) {
  const c10::DeviceGuard guard(device);
  return at::detail::empty_strided_generic(sizes, strides, &allocator,
                                           c10::DispatchKeySet(c10::DispatchKey::CUDA), type);
}

Tensor like_on(c10::Device device, const Tensor &tensor) {
  return empty_on(device, tensor.sizes(), tensor.strides(), tensor.scalar_type());
}

// Copies a result of the CPU's kernel to a device: it was never on the host in truth, so nothing is counted.
Tensor placed(c10::Device device, const Tensor &result) {
  Tensor made = like_on(device, result);
  OpenMemory memory;
  memory.open(made);
  on_cpu(made).copy_(result);
  return made;
}

// What one call of an operator does to its tensors.
class Call {
 public:
  explicit Call(const c10::OperatorHandle &op) : op_(op), name_(op.schema().name()) {
    if (!op.schema().overload_name().empty()) name_ += "." + op.schema().overload_name();
    last_operator = op.schema().name().c_str();
  }

  void run(torch::jit::Stack *stack) {
    const auto &schema = op_.schema();
    const size_t count = schema.arguments().size();
    const size_t first = stack->size() - count;
    for (size_t index = 0; index < count; ++index) find_device((*stack)[first + index]);
    TORCH_CHECK(device_.has_value(), "simulated CUDA: `", name_, "` has no tensor on a device");
    for (size_t index = 0; index < count; ++index) {
      IValue &value = (*stack)[first + index];
      value = replaced(value, schema.arguments()[index].is_out());
    }
    {
      const std::lock_guard<std::mutex> lock(mutex);
      counters[device_->index()].launches += 1;
      launches_by_operator[name_] += 1;
      if (reads_back()) counters[device_->index()].synchronizations += 1;
    }
    op_.redispatchBoxed(c10::DispatchKeySet(c10::DispatchKey::CPU), stack);
    for (const auto &[original, result] : out_) write_out(original, result);
    const size_t results = schema.returns().size();
    for (size_t index = stack->size() - results; index < stack->size(); ++index) {
      (*stack)[index] = returned((*stack)[index]);
    }
  }

 private:
  // Operators whose result has a size, or is a number, that the host must wait for.
  bool reads_back() const {
    for (const char *name : {"aten::nonzero", "aten::masked_select", "aten::equal", "aten::_unique2"}) {
      if (op_.schema().name() == name) return true;
    }
    return false;
  }

  void find_device(const IValue &value) {
    each_tensor(value, [this](const Tensor &tensor) {
      if (!tensor.defined() || !tensor.is_cuda()) return;
      if (!device_) device_ = tensor.device();
      TORCH_CHECK(*device_ == tensor.device(), "simulated CUDA: `", name_, "` is given tensors on ",
                  *device_, " and on ", tensor.device());
    });
  }

  template <typename Visit>
  static void each_tensor(const IValue &value, Visit &&visit) {
    if (value.isTensor()) {
      visit(value.toTensor());
    } else if (value.isTensorList()) {
      for (const Tensor &tensor : value.toTensorVector()) visit(tensor);
    } else if (value.isOptionalTensorList()) {
      for (const auto &tensor : value.toOptionalTensorVector()) {
        if (tensor) visit(*tensor);
      }
    }
  }

  IValue replaced(const IValue &value, bool is_out) {
    if (value.isTensor()) return replacement(value.toTensor(), is_out);
    if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor &tensor : value.toTensorVector()) {
        list.push_back(replacement(tensor, is_out));
      }
      return list;
    }
    if (value.isOptionalTensorList()) {
      c10::List<std::optional<Tensor>> list;
      for (const auto &tensor : value.toOptionalTensorVector()) {
        list.push_back(tensor ? std::optional(replacement(*tensor, is_out)) : std::nullopt);
      }
      return list;
    }
    if (value.isDevice() && value.toDevice().is_cuda()) return c10::Device(c10::kCPU);
    return value;
  }

  Tensor replacement(const Tensor &tensor, bool is_out) {
    if (!tensor.defined()) return tensor;
    if (!tensor.is_cuda()) {
      TORCH_CHECK(tensor.unsafeGetTensorImpl()->is_wrapped_number() || tensor.numel() == 0,
                  "simulated CUDA: `", name_, "` is given a tensor on ", *device_,
                  " and one on the CPU, of shape ", tensor.sizes());
      return tensor;
    }
    memory_.open(tensor);
    // The kernel may resize an `out`, which a tensor over foreign memory does not allow.
    const Tensor made = is_out ? at::empty({0}, tensor.options().device(c10::kCPU)) : on_cpu(tensor);
    if (is_out) out_.emplace_back(tensor, made);
    replaced_.emplace_back(tensor, made);
    return made;
  }

  static void write_out(const Tensor &original, const Tensor &result) {
    if (original.sizes() != result.sizes()) original.resize_(result.sizes());
    OpenMemory memory;
    memory.open(original);
    on_cpu(original).copy_(result);
  }

  IValue returned(const IValue &value) {
    if (value.isTensor()) return on_device(value.toTensor());
    if (value.isTensorList()) {
      c10::List<Tensor> list;
      for (const Tensor &tensor : value.toTensorVector()) list.push_back(on_device(tensor));
      return list;
    }
    return value;
  }

  Tensor on_device(const Tensor &result) {
    if (!result.defined()) return result;
    for (const auto &[original, replacement] : replaced_) {
      if (result.is_same(replacement)) return original;
      if (result.has_storage() && result.numel() > 0 && result.storage().is_alias_of(replacement.storage())) {
        const int64_t moved = result.storage_offset() - replacement.storage_offset();
        return at::as_strided(original, result.sizes(), result.strides(),
                              original.storage_offset() + moved);
      }
    }
    return placed(*device_, result);
  }

  const c10::OperatorHandle &op_;
  std::string name_;
  std::optional<c10::Device> device_;
  OpenMemory memory_;
  std::vector<std::pair<Tensor, Tensor>> replaced_;
  std::vector<std::pair<Tensor, Tensor>> out_;
};

void on_device(const c10::OperatorHandle &op, torch::jit::Stack *stack) { Call(op).run(stack); }

c10::Device requested(std::optional<at::Device> device) {
  const c10::Device wanted = device.value_or(c10::Device(c10::DeviceType::CUDA));
  return wanted.has_index() ? wanted : c10::Device(c10::DeviceType::CUDA, device_now);
}

Tensor empty_strided(at::IntArrayRef sizes, at::IntArrayRef strides,
                     std::optional<at::ScalarType> type, std::optional<at::Layout>,
                     std::optional<at::Device> device, std::optional<bool>) {
  return empty_on(requested(device), sizes, strides, c10::dtype_or_default(type));
}

Tensor empty(at::IntArrayRef sizes, std::optional<at::ScalarType> type, std::optional<at::Layout>,
             std::optional<at::Device> device, std::optional<bool>,
             std::optional<at::MemoryFormat> format) {
  const auto meta = at::empty(sizes, at::TensorOptions().dtype(type).device(c10::kMeta), format);
  return empty_on(requested(device), sizes, meta.strides(), c10::dtype_or_default(type));
}

Tensor &copy(Tensor &self, const Tensor &source, bool) {
  last_operator = "aten::copy_";
  if (self.numel() == 0) return self;
  OpenMemory memory;
  const auto opened = [&memory](const Tensor &tensor) {
    if (!tensor.is_cuda()) return tensor;
    memory.open(tensor);
    return on_cpu(tensor);
  };
  const Tensor to = opened(self), from = opened(source);
  to.copy_(from);
  const uint64_t bytes = self.nbytes();
  if (!source.is_cuda()) {
    change_counters(self.device().index(), [&](Counters &of) {
      of.to_device_copies += 1;
      of.to_device_bytes += bytes;
    });
  } else if (!self.is_cuda()) {
    change_counters(source.device().index(), [&](Counters &of) {
      of.to_host_copies += 1;
      of.to_host_bytes += bytes;
      of.synchronizations += 1;
    });
  } else if (self.device() == source.device()) {
    change_counters(self.device().index(), [](Counters &of) { of.launches += 1; });
  } else {
    change_counters(self.device().index(), [&](Counters &of) {
      of.between_devices_copies += 1;
      of.between_devices_bytes += bytes;
    });
  }
  return self;
}

Tensor copy_from(const Tensor &self, const Tensor &to, bool non_blocking) {
  Tensor target = to;
  return copy(target, self, non_blocking);
}

Tensor copy_from_and_resize(const Tensor &self, const Tensor &to) {
  to.resize_(self.sizes());
  return copy_from(self, to, false);
}

const Tensor &resize(const Tensor &self, at::IntArrayRef sizes, std::optional<at::MemoryFormat> format) {
  const auto meta = at::empty(sizes, self.options().device(c10::kMeta), format);
  const size_t needed = at::detail::computeStorageNbytes(sizes, meta.strides(), self.itemsize(),
                                                         self.storage_offset());
  auto *storage = self.storage().unsafeGetStorageImpl();
  if (storage->nbytes() < needed) {
    c10::DataPtr data = DeviceAllocator::allocate_on(needed, self.device().index());
    if (storage->nbytes() > 0) {
      OpenMemory memory;
      memory.open(self);
      const auto &allocation = *static_cast<Shared *>(data.get_context());
      mprotect(allocation->start, allocation->mapped, PROT_READ | PROT_WRITE);
      std::memcpy(data.get(), storage->data(), storage->nbytes());
      mprotect(allocation->start, allocation->mapped, PROT_NONE);
    }
    storage->set_data_ptr_noswap(std::move(data));
    storage->set_nbytes(needed);
  }
  self.unsafeGetTensorImpl()->set_sizes_and_strides(sizes, meta.strides());
  return self;
}

at::Scalar local_scalar(const Tensor &self) {
  last_operator = "aten::_local_scalar_dense";
  change_counters(self.device().index(), [](Counters &of) { of.synchronizations += 1; });
  OpenMemory memory;
  memory.open(self);
  return on_cpu(self).item();
}

Tensor view(const Tensor &self, at::IntArrayRef sizes) { return at::native::view(self, sizes); }

Tensor reshape_alias(const Tensor &self, at::IntArrayRef sizes, at::IntArrayRef strides) {
  return at::native::_reshape_alias(self, sizes, strides);
}

Tensor as_strided(const Tensor &self, at::IntArrayRef sizes, at::IntArrayRef strides,
                  std::optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(self, sizes, strides, offset);
}

Tensor unfold(const Tensor &self, int64_t dimension, int64_t size, int64_t step) {
  return at::native::unfold(self, dimension, size, step);
}

// The CPU's formulas; libtorch chooses a fused kernel on CUDA.
std::tuple<Tensor, Tensor> lstm_cell(const Tensor &input, at::TensorList state, const Tensor &w_ih,
                                     const Tensor &w_hh, const std::optional<Tensor> &b_ih,
                                     const std::optional<Tensor> &b_hh) {
  const Tensor from_input = at::linear(input, w_ih, b_ih);
  const auto gates = at::linear(state[0], w_hh, b_hh).add_(from_input).unsafe_chunk(4, 1);
  const Tensor in = gates[0].sigmoid_(), forget = gates[1].sigmoid_();
  const Tensor candidate = gates[2].tanh_(), out = gates[3].sigmoid_();
  const Tensor cell = (forget * state[1]).add_(in * candidate);
  return {out * cell.tanh(), cell};
}

Tensor gru_cell(const Tensor &input, const Tensor &hidden, const Tensor &w_ih, const Tensor &w_hh,
                const std::optional<Tensor> &b_ih, const std::optional<Tensor> &b_hh) {
  const auto of_input = at::linear(input, w_ih, b_ih).unsafe_chunk(3, 1);
  const auto of_hidden = at::linear(hidden, w_hh, b_hh).unsafe_chunk(3, 1);
  const Tensor reset = of_hidden[0].add_(of_input[0]).sigmoid_();
  const Tensor update = of_hidden[1].add_(of_input[1]).sigmoid_();
  const Tensor candidate = of_input[2].add(of_hidden[2].mul_(reset)).tanh_();
  return (hidden - candidate).mul_(update).add_(candidate);
}

TORCH_LIBRARY_IMPL(_, CUDA, library) {
  library.fallback(torch::CppFunction::makeFromBoxedFunction<&on_device>());
}

TORCH_LIBRARY_IMPL(aten, CUDA, library) {
  library.impl("empty.memory_format", empty);
  library.impl("empty_strided", empty_strided);
  library.impl("copy_", copy);
  library.impl("_copy_from", copy_from);
  library.impl("_copy_from_and_resize", copy_from_and_resize);
  library.impl("resize_", resize);
  library.impl("_local_scalar_dense", local_scalar);
  library.impl("as_strided", as_strided);
  library.impl("view", view);
  library.impl("_reshape_alias", reshape_alias);
  library.impl("unfold", unfold);
  library.impl("lstm_cell", lstm_cell);
  library.impl("gru_cell", gru_cell);
  // libtorch chooses convolutions by the device; these are the CPU's.
  for (const char *name : {"convolution", "convolution_backward"}) {
    library.impl(name, torch::CppFunction::makeFromBoxedFunction<&on_device>());
  }
  // As on a GPU, whatever has a kernel on the CPU has one here: one launch and no detour over `out`.
  auto &dispatcher = c10::Dispatcher::singleton();
  for (const c10::OperatorName &name : dispatcher.getAllOpNames()) {
    const auto op = dispatcher.findOp(name);
    if (name.name.rfind("aten::", 0) != 0 || !op || !op->hasSchema()) continue;
    if (!op->hasKernelForDispatchKey(c10::DispatchKey::CPU)) continue;
    if (op->hasKernelForDispatchKey(c10::DispatchKey::CUDA)) continue;
    const std::string full = c10::toString(name).substr(std::strlen("aten::"));
    library.impl(full.c_str(), torch::CppFunction::makeFromBoxedFunction<&on_device>());
  }
}

TORCH_LIBRARY_IMPL(aten, AutogradCUDA, library) {
  library.impl("lstm_cell", lstm_cell);
  library.impl("gru_cell", gru_cell);
}

struct Start {
  Start() {
    c10::SetAllocator(c10::DeviceType::CUDA, &allocator);
    std::atexit(write_counters);
    struct sigaction action = {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, &previous_handler);
  }
} start;

}  // namespace
