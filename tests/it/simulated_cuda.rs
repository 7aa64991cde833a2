//! The unchanged program on a simulated CUDA device: the CPU's bits, nothing lost, mistakes named, and a budget
//! of launches, copies and synchronizations.

use std::{
    collections::BTreeMap,
    env, fs,
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use reprise_torch::libtorch::device::cuda;
use rustix::process::Signal;
use serde::Deserialize;
use tch::{Device, Kind, Tensor};

use crate::{
    support::Place,
    sweeps::{SYSTEMS, one_system},
};

/// The device.
const SOURCE: &str = include_str!("../simulated_cuda/simulated_cuda.cpp");

/// Folder of the program's counters.
const COUNTERS: &str = "counters";

/// Returns the folder with the device as `libtorch_cuda.so`; the first caller compiles it.
fn device_folder() -> PathBuf {
    let libtorch = Path::new(env!("REPRISE_LIBTORCH_LIB"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("simulated_cuda");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let source = format!("// For {}\n{SOURCE}", libtorch.display());
    let compiled = folder.join("compiled.cpp");
    if fs::read_to_string(&compiled).unwrap_or_default() != source {
        compile(&folder, &source, libtorch);
        fs::write(&compiled, source).unwrap();
    }
    folder
}

fn compile(folder: &Path, text: &str, libtorch: &Path) {
    let (source, made) = (folder.join("simulated_cuda.cpp"), folder.join("made.so"));
    fs::write(&source, text).unwrap();
    let include = libtorch.parent().unwrap().join("include");
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    let output = Command::new(compiler)
        .args(["-std=c++20", "-O1", "-fPIC", "-shared", "-w"])
        .arg("-I")
        .arg(&include)
        .arg("-I")
        .arg(include.join("torch/csrc/api/include"))
        .arg(&source)
        .arg("-L")
        .arg(libtorch)
        .args(["-ltorch_cpu", "-lc10", "-o"])
        .arg(&made)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::rename(&made, folder.join("libtorch_cuda.so")).unwrap();
}

/// Creates a folder in which the program finds simulated devices.
fn place_with(devices: u32) -> Place {
    let mut place = Place::new();
    let mut folders = vec![device_folder()];
    folders.extend(env::var_os("LD_LIBRARY_PATH").iter().flat_map(env::split_paths));
    place.set("LD_LIBRARY_PATH", env::join_paths(folders).unwrap());
    place.set("SIMULATED_CUDA_DEVICES", devices.to_string());
    let counters = place.path(COUNTERS);
    fs::create_dir_all(&counters).unwrap();
    place.set("SIMULATED_CUDA_COUNTERS", counters);
    place
}

/// What the processes of a place did on their devices since the last call.
fn counted(place: &Place) -> ProcessCounters {
    let mut total = ProcessCounters::default();
    for entry in fs::read_dir(place.path(COUNTERS)).unwrap() {
        let path = entry.unwrap().path();
        let process: ProcessCounters =
            serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        total.devices.extend(process.devices);
        fs::remove_file(path).unwrap();
    }
    total
}

/// What a process did on its devices.
#[derive(Debug, Default, Deserialize)]
struct ProcessCounters {
    devices: Vec<DeviceCounters>,
}

/// What happened on a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
struct DeviceCounters {
    /// Its number on the machine.
    number: u32,
    launches: u64,
    /// The host waited for the device.
    synchronizations: u64,
    to_device_copies: u64,
    to_device_bytes: u64,
    to_host_copies: u64,
    to_host_bytes: u64,
    allocations: u64,
}

impl ProcessCounters {
    /// Returns the sum over processes and devices.
    fn sum(&self) -> DeviceCounters {
        self.devices.iter().fold(DeviceCounters::default(), |a, b| DeviceCounters {
            number: 0,
            launches: a.launches + b.launches,
            synchronizations: a.synchronizations + b.synchronizations,
            to_device_copies: a.to_device_copies + b.to_device_copies,
            to_device_bytes: a.to_device_bytes + b.to_device_bytes,
            to_host_copies: a.to_host_copies + b.to_host_copies,
            to_host_bytes: a.to_host_bytes + b.to_host_bytes,
            allocations: a.allocations + b.allocations,
        })
    }
}

fn sweep<'a>(device: &'a str, store: &'a str) -> [&'a str; 8] {
    ["sweep", "systems", "--device", device, "--jobs", "1", "--store", store]
}

#[track_caller]
fn check_bit_equal(place: &Place, runs: u32) {
    let diff = place.succeed(&["runs", "diff", "--store", "cpu", "--store", "cuda"]).stdout;
    assert!(diff.contains(&format!("{runs} of {runs} runs are bit-equal")), "{diff}");
}

#[test]
fn every_system_is_killed_and_resumes_to_the_cpus_bits() {
    let place = place_with(1);
    place.write("experiments/systems.toml", SYSTEMS);
    place.succeed(&sweep("cpu", "cpu"));
    assert_eq!(counted(&place).sum().launches, 0, "a run on the CPU uses no device");
    for _ in 0..3 {
        let started = place.start(&sweep("cuda:0", "cuda"));
        place.wait_for_lines("cuda", place.journaled("cuda") + 3);
        started.signal(Signal::KILL);
        assert_eq!(started.finish().code, None);
    }
    place.succeed(&sweep("cuda:0", "cuda"));
    let launches = counted(&place).sum().launches;
    assert!(launches > 10_000, "only {launches} launches");
    check_bit_equal(&place, 5);
}

#[test]
fn fast_arithmetic_has_the_cpus_bits() {
    let place = place_with(1);
    place
        .write("experiments/systems.toml", &one_system("cvae", "set.engine.arithmetic = \"fast\""));
    place.succeed(&sweep("cpu", "cpu"));
    place.succeed(&sweep("cuda:0", "cuda"));
    check_bit_equal(&place, 1);
}

/// libtorch chooses other operators for 16 bits on CUDA than on the CPU, so bits differ between them.
#[track_caller]
fn check_repeats(arithmetic: &str) {
    for system in ["cvae", "convlstm"] {
        let place = place_with(1);
        let settings = format!("set.engine.arithmetic = \"{arithmetic}\"");
        place.write("experiments/systems.toml", &one_system(system, &settings));
        for store in ["cpu", "cuda"] {
            place.succeed(&sweep("cuda:0", store));
        }
        check_bit_equal(&place, 1);
    }
}

#[test]
fn bfloat16_repeats_bit_for_bit() {
    check_repeats("bf16");
}

#[test]
fn float16_with_loss_scaling_repeats_bit_for_bit() {
    check_repeats("fp16");
}

#[test]
fn devices_that_share_a_batch_have_the_bits_of_processors_that_do() {
    let place = place_with(2);
    place.write("experiments/systems.toml", &one_system("convlstm", ""));
    let train = |devices: &str, store: &str| {
        place.succeed(&["sweep", "systems", "--set", devices, "--store", store]);
    };
    train(r#"engine.devices=["cpu", "cpu"]"#, "cpu");
    train(r#"engine.devices=["cuda:0", "cuda:1"]"#, "cuda");
    let busy = counted(&place).devices.iter().filter(|device| device.launches > 1000).count();
    assert_eq!(busy, 2, "both devices work");
    check_bit_equal(&place, 1);
}

/// Trains four tiny runs on two devices; returns how many processes used each.
fn processes_by_device(place: &Place) -> BTreeMap<u32, usize> {
    place.succeed(&["sweep", "tiny", "--set", "seeds=[1, 2]", "--device", "cuda"]);
    let mut found = BTreeMap::new();
    for device in counted(place).devices {
        *found.entry(device.number).or_default() += usize::from(device.launches > 0);
    }
    found
}

#[test]
fn runs_are_spread_over_the_devices() {
    let mut place = place_with(3);
    place.set("CUDA_VISIBLE_DEVICES", "2,0");
    let found = processes_by_device(&place);
    assert_eq!(found.keys().copied().collect::<Vec<_>>(), [0, 2], "device 1 is not visible");
    assert!(found.values().all(|&runs| runs > 0), "{found:?}");
    // A run is the same on every device.
    let runs = place.runs("store");
    assert_eq!(runs.len(), 4);
    place.succeed(&["sweep", "tiny", "--set", "seeds=[1, 2]", "--device", "cuda", "--jobs", "1"]);
    assert_eq!(place.runs("store"), runs);
}

#[test]
fn a_run_whose_device_is_lost_is_trained_on_another() {
    let mut place = place_with(2);
    place.set("SIMULATED_CUDA_LOST", "0");
    let found = processes_by_device(&place);
    assert_eq!(found[&0], 0);
    assert_eq!(found[&1], 4, "{found:?}");
}

#[test]
fn auto_finds_the_device_and_doctor_describes_it() {
    let place = place_with(2);
    let said = place.succeed(&["doctor"]).stdout;
    for line in [
        "CUDA          yes, runtime none, driver unknown, cuDNN none\n",
        "device        cuda:0, unknown\n",
        "device        cuda:1, unknown\n",
    ] {
        assert!(said.contains(line), "`{line}` is not in\n{said}");
    }
    place.succeed(&["sweep", "tiny", "--set", "seeds=[1]"]);
    for run in place.runs("store") {
        let record = fs::read_to_string(run.join("record.json")).unwrap();
        assert!(record.contains("\"device\": \"cuda:0\""), "{record}");
    }
    let refused = place.run(&["sweep", "tiny", "--device", "cuda:2"]);
    assert!(refused.stderr.contains("this machine has 2 CUDA device(s)"), "{}", refused.stderr);
}

#[test]
fn reference_cases_pass_on_the_device() {
    let place = place_with(1);
    let cases = crate::sources::project().join("golden");
    for system in ["cells", "convlstm"] {
        place.succeed(&[
            "golden",
            "check",
            "--system",
            system,
            "--device",
            "cuda:0",
            "--cases",
            cases.to_str().unwrap(),
        ]);
    }
    assert!(counted(&place).sum().launches > 1000);
}

#[test]
fn exhausted_memory_is_an_error_that_names_a_batch_that_fits() {
    let mut place = place_with(1);
    let large = |place: &Place| {
        place.run(&[
            "sweep",
            "tiny",
            "--device",
            "cuda:0",
            "--set",
            "training.batch_size=16",
            "--jobs",
            "1",
        ])
    };
    place.set("SIMULATED_CUDA_BYTES", (12 << 20).to_string());
    let refused = large(&place);
    assert_eq!(refused.code, Some(3));
    let said = &refused.stderr;
    let message = "error: failed to train with batches of 16: the memory of `cuda:0` is exhausted";
    assert!(said.contains(message), "{said}");
    assert!(said.contains("caused by: CUDA out of memory. Tried to allocate"), "{said}");
    assert!(!said.contains("panicked") && !said.contains("second attempt"), "{said}");
    let fits = said.split("hint: `training.batch_size=").nth(1).and_then(|it| it.split('`').next());
    let fits = format!("training.batch_size={}", fits.unwrap());
    place.succeed(&["sweep", "tiny", "--device", "cuda:0", "--set", &fits]);
    place.set("SIMULATED_CUDA_BYTES", (1_u64 << 40).to_string());
    assert_eq!(large(&place).code, Some(0), "with enough memory, the same run is trained");
}

/// A mistake that a GPU may forgive; it is made in a process of its own, which has the device.
#[test]
#[ignore = "fails on purpose: `mistakes_are_named` runs it"]
fn mistake() {
    cuda().unwrap();
    let on_device = Tensor::ones([1, 1, 4, 4], (Kind::Float, Device::Cuda(0)));
    let on_cpu = Tensor::ones([1, 1, 1, 1], (Kind::Float, Device::Cpu));
    match env::var("MISTAKE").unwrap().as_str() {
        "a constant of the CPU" => drop(&on_device + &on_cpu),
        "a layer that was not moved" => {
            drop(on_device.conv2d(&on_cpu, None::<Tensor>, [1], [0], [1], 1));
        }
        "a number of the CPU" => drop(on_device.g_mul(&Tensor::from(2.0))),
        "another device" => {
            drop(on_device.to_device(Device::Cuda(1)) + on_device);
        }
        "no such device" => drop(on_device.to_device(Device::Cuda(2))),
        "a read by the host" => {
            #[expect(unsafe_code, reason = "the mistake")]
            // SAFETY: there is none; the process ends.
            let value = unsafe { on_device.data_ptr().cast::<f32>().read_volatile() };
            panic!("read {value}");
        }
        "fresh memory" => {
            let fresh = Tensor::empty([4], (Kind::Float, Device::Cuda(0)));
            assert!(fresh.isnan().all().int64_value(&[]) == 1);
            panic!("fresh memory is NaN");
        }
        mistake => panic!("unknown mistake `{mistake}`"),
    }
    panic!("the mistake was forgiven");
}

#[test]
fn mistakes_are_named() {
    let folder = device_folder();
    let check = |mistake: &str, message: &str| {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "simulated_cuda::mistake", "--ignored", "--nocapture"])
            .env("MISTAKE", mistake)
            .env("LD_LIBRARY_PATH", &folder)
            .env("SIMULATED_CUDA_DEVICES", "2")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{mistake}");
        assert!(said.contains(message), "{mistake}: {said}");
    };
    let mixed = "is given a tensor on cuda:0 and one on the CPU, of shape";
    check("a constant of the CPU", &format!("`aten::add.Tensor` {mixed} [1, 1, 1, 1]"));
    check("a layer that was not moved", &format!("`aten::convolution` {mixed} [1, 1, 1, 1]"));
    check("a number of the CPU", &format!("`aten::mul.Tensor` {mixed} []"));
    check("another device", "`aten::add.Tensor` is given tensors on cuda:1 and on cuda:0");
    check("no such device", "invalid device ordinal: cuda:2 of 2");
    check("a read by the host", "the host accessed memory of cuda:0 outside of a kernel");
    check("fresh memory", "fresh memory is NaN");
}

/// Evaluates after the last epoch only, so that runs of any length write the same files.
const ONE_EVALUATION: &str = "evaluation.every_epochs=2";

/// Returns what one step of a system costs: the difference between two epochs of 6 and of 2 steps.
fn step_cost(place: &Place, system: &str) -> DeviceCounters {
    place.write("experiments/systems.toml", &one_system(system, ""));
    let total = |steps: &str| {
        let steps = format!("training.steps_per_epoch={steps}");
        let store = steps.clone();
        place.succeed(&[
            "sweep",
            "systems",
            "--device",
            "cuda:0",
            "--set",
            &steps,
            "--set",
            ONE_EVALUATION,
            "--store",
            &store,
        ]);
        counted(place).sum()
    };
    let (few, many) = (total("2"), total("6"));
    let by_step = |few: u64, many: u64| (many - few).div_ceil(8);
    DeviceCounters {
        number: 0,
        launches: by_step(few.launches, many.launches),
        synchronizations: by_step(few.synchronizations, many.synchronizations),
        to_device_copies: by_step(few.to_device_copies, many.to_device_copies),
        to_device_bytes: by_step(few.to_device_bytes, many.to_device_bytes),
        to_host_copies: by_step(few.to_host_copies, many.to_host_copies),
        to_host_bytes: by_step(few.to_host_bytes, many.to_host_bytes),
        allocations: by_step(few.allocations, many.allocations),
    }
}

/// Checks what one training step costs against upper bounds, and prints it.
#[track_caller]
#[expect(clippy::print_stderr, reason = "the table of `bench --simulate-cuda`")]
fn check_budget(system: &str, [launches, synchronizations, copies, bytes, allocations]: [u64; 5]) {
    let place = place_with(1);
    let cost = step_cost(&place, system);
    let rows = [
        ("launches", cost.launches, launches),
        ("synchronizations", cost.synchronizations, synchronizations),
        ("copies to the device", cost.to_device_copies, copies),
        ("bytes to the device", cost.to_device_bytes, bytes),
        ("allocations", cost.allocations, allocations),
    ];
    eprintln!("{system}, one training step of the smallest model on a simulated CUDA device:");
    for (what, counted, limit) in rows {
        eprintln!("  {what:<22}{counted:>9}   limit {limit}");
    }
    for (what, counted, limit) in rows {
        assert!(counted <= limit, "{system}: {counted} {what}, at most {limit}");
    }
    assert!(cost.to_host_bytes <= 64, "{} bytes are read back", cost.to_host_bytes);
}

#[test]
fn budget_of_cvae() {
    check_budget("cvae", [3168, 1, 10, 123_288, 2420]);
}

#[test]
fn budget_of_physical_interaction() {
    check_budget("physical_interaction", [2043, 1, 3, 98_530, 1753]);
}

#[test]
fn budget_of_convlstm() {
    check_budget("convlstm", [374, 1, 1, 32_768, 263]);
}

/// One synchronization by network: a loss that is not finite must not update its network.
#[test]
fn budget_of_mocogan() {
    check_budget("mocogan", [2286, 3, 21, 535_056, 1437]);
}

#[test]
fn budget_of_rcn() {
    check_budget("rcn", [340, 1, 4, 387_344, 211]);
}
