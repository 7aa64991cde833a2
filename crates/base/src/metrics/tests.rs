//! Distances in the features of networks, compared with SciPy and PyTorch (`tests/fixtures/feature_networks/make.py`).

use serde::Deserialize;

use super::{
    frechet::frechet_distance,
    lpips::{LayerFeatures, layer_distance},
};

#[derive(Deserialize)]
struct Distances {
    frechet: Vec<FrechetCase>,
    layers: Vec<LayerCase>,
}

#[derive(Deserialize)]
struct FrechetCase {
    name: String,
    x: Vec<Vec<f32>>,
    y: Vec<Vec<f32>>,
    distance: f64,
}

#[derive(Deserialize)]
struct LayerCase {
    channels: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    head: Vec<f32>,
    distance: f64,
}

fn distances() -> Distances {
    let text = include_str!("../../../../tests/fixtures/feature_networks/distances.json");
    serde_json::from_str(text).unwrap()
}

fn rows(set: &[Vec<f32>]) -> Vec<&[f32]> {
    set.iter().map(Vec::as_slice).collect()
}

#[test]
fn frechet_distances_are_those_of_scipy() {
    let cases = distances().frechet;
    assert_eq!(cases.len(), 5);
    for FrechetCase { name, x, y, distance } in cases {
        let ours = frechet_distance(&rows(&x), &rows(&y));
        assert!((ours - distance).abs() <= 1e-9 * distance, "{name}: {ours}, SciPy {distance}");
        let swapped = frechet_distance(&rows(&y), &rows(&x));
        assert!((ours - swapped).abs() <= 1e-9 * distance, "{name}: {ours} {swapped}");
    }
}

#[test]
fn a_set_has_no_frechet_distance_from_itself() {
    for FrechetCase { name, x, .. } in distances().frechet {
        let size: f64 = x.iter().flatten().map(|&value| f64::from(value).powi(2)).sum();
        let own = frechet_distance(&rows(&x), &rows(&x));
        assert!((0.0..=1e-14 * size).contains(&own), "{name}: {own}");
    }
}

#[test]
fn lpips_of_a_layer_is_that_of_pytorch() {
    let cases = distances().layers;
    assert_eq!(cases.len(), 3);
    for LayerCase { channels, x, y, head, distance } in cases {
        let layer = |values| LayerFeatures { values, channels };
        let ours = layer_distance(layer(&x), layer(&y), &head);
        assert!((ours - distance).abs() <= 1e-12 * distance, "{ours}, PyTorch {distance}");
    }
}
