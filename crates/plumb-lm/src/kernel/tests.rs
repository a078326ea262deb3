use super::*;

fn noise(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn sets() -> Vec<Isa> {
    let mut sets = vec![Isa::Portable];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            sets.push(Isa::Avx2);
        }
        if is_x86_feature_detected!("avx512f") {
            sets.push(Isa::Avx512);
        }
    }
    sets
}

#[test]
fn all_instruction_sets_and_threads_give_the_same_bits_as_one_sum() {
    for (rows, outputs, depth) in [(1, 1, 1), (3, 17, 5), (13, 40, 33), (25, 100, 64), (7, 250, 129)] {
        let x = noise(rows * depth, 1);
        let w = noise(outputs * depth, 2);
        let panels = Panels::build(outputs, depth, |n, row| row.copy_from_slice(&w[n * depth..][..depth]));
        let mut expected = vec![0.0; rows * outputs];
        for (r, y) in expected.chunks_exact_mut(outputs).enumerate() {
            for (n, y) in y.iter_mut().enumerate() {
                *y = (0..depth).fold(0.0, |sum, k| x[r * depth + k].mul_add(w[n * depth + k], sum));
            }
        }
        for isa in sets() {
            let mut y = vec![f32::NAN; rows * outputs];
            multiply(isa, &x, panels.operand(), &mut y);
            assert_eq!(y, expected, "{isa:?} {rows}×{outputs}×{depth}");
            let mut y = vec![f32::NAN; rows * outputs];
            multiply_parallel(isa, &x, panels.operand(), &mut y);
            assert_eq!(y, expected, "{isa:?} {rows}×{outputs}×{depth}, threads");
        }
    }
}

#[test]
fn elementwise_functions_have_the_same_bits_on_all_instruction_sets() {
    for count in [1, 3, 8, 21, 64, 100] {
        let (x, y) = (noise(count, 5), noise(count, 6));
        let all = |isa: Isa| {
            let mut out = [vec![0.0; count], x.clone(), vec![0.0; count]];
            rows::rms_norm(isa, &x, &y, 1e-5, &mut out[0]);
            rows::softmax(isa, &mut out[1]);
            rows::silu_times(isa, &x, &y, &mut out[2]);
            out.map(|values| values.into_iter().map(f32::to_bits).collect::<Vec<u32>>())
        };
        let expected = all(Isa::Portable);
        for isa in sets() {
            assert_eq!(all(isa), expected, "{isa:?} {count}");
        }
    }
}

#[test]
fn a_product_in_parts_has_the_bits_of_the_whole() {
    for (rows, outputs, depth, cut) in [(1, 20, 40, 7), (5, 64, 50, 32), (14, 33, 9, 4)] {
        let x = noise(rows * depth, 3);
        let w = noise(outputs * depth, 4);
        let panels = Panels::build(outputs, depth, |n, row| row.copy_from_slice(&w[n * depth..][..depth]));
        let part = |from: usize, to: usize| {
            Panels::build(outputs, to - from, |n, row| row.copy_from_slice(&w[n * depth..][from..to]))
        };
        let (low, high) = (part(0, cut), part(cut, depth));
        for isa in sets() {
            let mut expected = vec![0.0; rows * outputs];
            multiply(isa, &x, panels.operand(), &mut expected);
            // Within rows that are three wider on the left, and one on the right.
            let wide = outputs + 4;
            let mut y = vec![0.5; rows * wide];
            let at = Columns { first: 3, stride: wide };
            let x_at = |first| Columns { first, stride: depth };
            multiply_part(isa, (&x, x_at(0)), rows, low.operand(), (&mut y, at), false);
            multiply_part(isa, (&x, x_at(cut)), rows, high.operand(), (&mut y, at), true);
            for (y, expected) in y.chunks_exact(wide).zip(expected.chunks_exact(outputs)) {
                assert_eq!(&y[3..3 + outputs], expected, "{isa:?}");
                assert!(y[..3].iter().chain(&y[3 + outputs..]).all(|y| *y == 0.5), "nothing else is written");
            }
        }
    }
}

#[test]
#[should_panic(expected = "the right-hand side holds all panels")]
fn a_short_right_hand_side_is_refused() {
    let operand = Operand { data: &[0.0; 40], outputs: 20, depth: 2, step: LANES, panel: 2 * LANES };
    multiply(Isa::detect(), &[0.0; 2], operand, &mut [0.0; 20]);
}

/// Packed weights of each form, and the same weights in f32.
fn packed(outputs: usize, depth: usize) -> Vec<(&'static str, Stored, Panels)> {
    let w = noise(outputs * depth, 5);
    let scales = noise(outputs * depth / 16, 6);
    let minima = noise(outputs * depth / 16, 7);
    let halves = |n: usize, k: usize| half::f16::from_f32(w[n * depth + k]);
    let brains = |n: usize, k: usize| half::bf16::from_f32(w[n * depth + k]);
    let full = |value: &(dyn Fn(usize, usize) -> f32 + Sync)| {
        Panels::build(outputs, depth, |n, row| {
            row.iter_mut().enumerate().for_each(|(k, out)| *out = value(n, k));
        })
    };
    let mut all = vec![
        (
            "f16",
            Packed::f16(outputs, depth, |n, row| {
                row.iter_mut().enumerate().for_each(|(k, out)| *out = halves(n, k));
            }),
            full(&|n, k| halves(n, k).to_f32()),
        ),
        (
            "bf16",
            Packed::bf16(outputs, depth, |n, row| {
                row.iter_mut().enumerate().for_each(|(k, out)| *out = brains(n, k));
            }),
            full(&|n, k| brains(n, k).to_f32()),
        ),
    ];
    let quant = |n: usize, k: usize| (w[n * depth + k] * 127.0) as i8;
    for (name, run, count) in
        [("runs of 16", 16, false), ("runs of 32", 32, false), ("with minima", 32, true)]
    {
        let runs = depth / run;
        let weights = Packed::codes(outputs, depth, run, count, |n, codes| {
            codes.quants.iter_mut().enumerate().for_each(|(k, out)| *out = quant(n, k));
            codes.scales.copy_from_slice(&scales[n * runs..][..runs]);
            if count {
                codes.minima.copy_from_slice(&minima[n * runs..][..runs]);
            }
        });
        let value = |n: usize, k: usize| {
            let at = n * runs + k / run;
            let product = f32::from(quant(n, k)) * scales[at];
            if count { product + minima[at] } else { product }
        };
        all.push((name, weights, full(&value)));
    }
    all.into_iter().map(|(name, weights, full)| (name, Stored::Packed(weights), full)).collect()
}

#[test]
fn packed_weights_give_the_bits_of_full_ones() {
    for (rows, outputs, depth) in
        [(1, 1, 32), (3, 17, 96), (12, 40, 288), (13, 100, 544), (30, 250, 1056), (99, 40, 160)]
    {
        let x = noise(rows * depth, 8);
        for (form, weights, full) in packed(outputs, depth) {
            let mut expected = vec![f32::NAN; rows * outputs];
            multiply(Isa::Portable, &x, full.operand(), &mut expected);
            assert!(weights.bytes() < full.bytes());
            for isa in sets() {
                let mut y = vec![f32::NAN; rows * outputs];
                weights.multiply(isa, &x, &mut y);
                assert_eq!(y, expected, "{form}, {isa:?}, {rows}×{outputs}×{depth}");
            }
        }
    }
}
