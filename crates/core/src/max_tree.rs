//! The largest of many numbers, kept while single numbers change: a tree of maxima with a fan-out
//! of 32, so that an update touches one small block a level and a search reads few cache lines.

const FAN: usize = 16;

/// Numbers by index, and the maximum over them.
#[derive(Debug, Clone)]
pub(crate) struct MaxTree {
    /// `levels[0]` are the numbers; each entry above is the maximum of 32 below.
    levels: Vec<Vec<i64>>,
}

impl MaxTree {
    /// A tree over `numbers`.
    pub(crate) fn new(numbers: Vec<i64>) -> Self {
        let mut levels = vec![numbers];
        while let Some(below) = levels.last().filter(|level| level.len() > 1) {
            let above = below.chunks(FAN).map(largest).collect();
            levels.push(above);
        }
        Self { levels }
    }

    /// All numbers.
    pub(crate) fn numbers(&self) -> &[i64] {
        &self.levels[0]
    }

    /// Changes one number.
    pub(crate) fn set(&mut self, index: usize, number: i64) {
        let (mut index, mut number) = (index, number);
        for level in 0..self.levels.len() {
            let old = std::mem::replace(&mut self.levels[level][index], number);
            let Some(parent) = self.levels.get(level + 1).map(|above| above[index / FAN]) else {
                return;
            };
            index /= FAN;
            number = if number >= parent {
                number
            } else if old == parent {
                let below = &self.levels[level];
                let end = below.len().min((index + 1) * FAN);
                largest(&below[index * FAN..end])
            } else {
                return;
            };
            if number == parent {
                return;
            }
        }
    }

    /// The maximum, or none without numbers.
    pub(crate) fn max(&self) -> Option<i64> {
        self.levels.last().and_then(|root| root.first()).copied()
    }

    /// The smallest index that holds the maximum.
    pub(crate) fn first_max(&self) -> Option<usize> {
        let max = self.max()?;
        let mut index = 0;
        for (depth, level) in self.levels.iter().enumerate().rev() {
            let end = level.len().min(index + FAN);
            index += level[index..end].iter().position(|&n| n == max)?;
            index *= if depth > 0 { FAN } else { 1 };
        }
        Some(index)
    }

    /// Calls `visit` with every index that holds the maximum, ascending.
    pub(crate) fn each_max(&self, mut visit: impl FnMut(usize)) {
        if let Some(max) = self.max() {
            self.descend(self.levels.len() - 1, 0, max, &mut visit);
        }
    }

    fn descend(&self, level: usize, from: usize, max: i64, visit: &mut impl FnMut(usize)) {
        let numbers = &self.levels[level];
        let end = numbers.len().min(from + FAN);
        for (index, _) in (from..end)
            .zip(&numbers[from..end])
            .filter(|&(_, &n)| n == max)
        {
            if level == 0 {
                visit(index);
            } else {
                self.descend(level - 1, index * FAN, max, visit);
            }
        }
    }
}

fn largest(block: &[i64]) -> i64 {
    block.iter().copied().max().unwrap_or(i64::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn finds_what_a_scan_finds(
            mut numbers in prop::collection::vec(0_i64..6, 1..3000),
            changes in prop::collection::vec((any::<prop::sample::Index>(), 0_i64..6), 0..60),
        ) {
            let mut tree = MaxTree::new(numbers.clone());
            for (index, number) in changes {
                let index = index.index(numbers.len());
                numbers[index] = number;
                tree.set(index, number);
                let max = *numbers.iter().max().expect("not empty");
                let all: Vec<usize> = (0..numbers.len()).filter(|&i| numbers[i] == max).collect();
                let mut seen = Vec::new();
                tree.each_max(|i| seen.push(i));
                prop_assert_eq!(tree.max(), Some(max));
                prop_assert_eq!(tree.first_max(), Some(all[0]));
                prop_assert_eq!(seen, all);
            }
        }
    }

    #[test]
    fn an_empty_tree_has_no_maximum() {
        let tree = MaxTree::new(Vec::new());
        assert_eq!((tree.max(), tree.first_max()), (None, None));
        tree.each_max(|_| panic!("nothing to visit"));
    }
}
