//! Quantities against values computed by hand.

use proptest::prelude::*;

use stowage_core::units::{Mebibytes, Milli};

use crate::k8s::quantity::{CAP, ONE, Quantity, cores, count, memory};

fn milli(text: &str) -> u32 {
    Quantity::parse(text).unwrap().milli_up().unwrap().0
}

fn mebibytes(text: &str) -> u32 {
    Quantity::parse(text).unwrap().mebibytes_up().unwrap().0
}

#[test]
fn cores_asked_for_round_up_to_thousandths() {
    let table = [
        ("0", 0),
        ("100m", 100),
        ("2", 2000),
        ("1.5", 1500),
        (".5", 500),
        ("3.", 3000),
        ("+2", 2000),
        ("-0", 0),
        ("0.0001", 1),
        ("1n", 1),
        ("1500u", 2),
        ("1e-3", 1),
        ("1E3", 1_000_000),
        ("1e3", 1_000_000),
        ("4k", 4_000_000),
        ("1e-999", 1),
        ("1e-99999999999999999999", 1),
        ("0e99999999999999999999", 0),
        ("00000000000000000000000000001", 1000),
        ("1.000000000000000000000000000", 1000),
    ];
    for (text, expected) in table {
        assert_eq!(milli(text), expected, "{text}");
    }
}

#[test]
fn memory_asked_for_rounds_up_to_mebibytes() {
    let table = [
        ("64Gi", 65_536),
        ("1Mi", 1),
        ("1", 1),
        ("1048577", 2),
        ("500M", 477),
        ("1.5Gi", 1536),
        ("1Ki", 1),
        ("1e9", 954),
        ("128974848", 123),
        ("129M", 124),
        ("0.1Mi", 1),
        ("1Ti", 1 << 20),
    ];
    for (text, expected) in table {
        assert_eq!(mebibytes(text), expected, "{text}");
    }
}

#[test]
fn capacities_round_down() {
    assert_eq!(memory("500M").unwrap(), Mebibytes(476));
    assert_eq!(memory("1048575").unwrap(), Mebibytes(0));
    assert_eq!(memory("943287852Ki").unwrap(), Mebibytes(921_179));
    assert_eq!(cores("95500100u").unwrap(), Milli(95_500));
}

#[test]
fn counts_are_whole() {
    assert_eq!(count("8"), Ok(8));
    assert_eq!(count("8k"), Ok(8000));
    assert_eq!(count("8000m"), Ok(8));
    let error = count("500m").unwrap_err().to_string();
    assert_eq!(error, r#"expected a whole number, got "500m""#);
}

#[test]
fn too_much_is_capped_then_refused_by_the_unit() {
    let exa = Quantity::parse("12E").unwrap();
    assert_eq!(exa.billionths, CAP);
    assert_eq!(exa, Quantity::parse("99999999999999999999Ei").unwrap());
    assert_eq!(exa.milli_up(), None);
    assert_eq!(exa.mebibytes_up(), None);
    assert_eq!(milli("4294967.295"), u32::MAX);
    assert!(cores("4294968").is_err());
    let error = memory("4Pi").unwrap_err().to_string();
    assert_eq!(error, r#"expected at most 4 PiB, got "4Pi""#);
}

#[test]
fn nonsense_is_refused_with_what_was_expected() {
    let bad = [
        "", ".", "+", "m", "Gi", "1 Gi", "1gi", "1K", "1e", "1e+", "1Em", "--1", "1.2.3", "0x10",
        "½",
    ];
    for text in bad {
        let error = Quantity::parse(text).unwrap_err().to_string();
        let sentence = format!("expected a quantity such as 500m, 2 or 64Gi, got {text:?}");
        assert_eq!(error, sentence);
    }
    let error = Quantity::parse("-100m").unwrap_err().to_string();
    assert_eq!(
        error,
        r#"expected a quantity that is not negative, got "-100m""#
    );
    let error = Quantity::parse("123456789012345678901").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("expected a quantity of at most 20 digits")
    );
}

proptest! {
    #[test]
    fn nothing_panics(text in "[-+0-9.eEnumkKMGTPi]{0,30}|.*") {
        let _ = Quantity::parse(&text);
        let _ = (cores(&text), memory(&text), count(&text));
    }

    /// A second opinion: every suffix by hand, on numbers where nothing is rounded.
    #[test]
    fn suffixes_multiply(number in 0u32..1_000_000, suffix in 0usize..8) {
        let (suffix, bytes) = [
            ("", 1u128), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000),
            ("Ki", 1024), ("Mi", 1 << 20), ("Gi", 1 << 30), ("e3", 1000),
        ][suffix];
        let quantity = Quantity::parse(&format!("{number}{suffix}")).unwrap();
        prop_assert_eq!(quantity.billionths, u128::from(number) * bytes * ONE);
    }
}
