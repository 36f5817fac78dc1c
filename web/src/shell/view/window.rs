//! Which rows of a long list are in the document.
//!
//! Up to [`WHOLE`] rows all of them are: a screen reader and the browser's search find each. Of a
//! longer list there are the rows in view and a screenful on both sides, in blocks; what is not
//! there is empty space above and below, as high as the blocks were or will be.

use std::ops::Range;

/// The longest list that is in the document as a whole.
const WHOLE: usize = 300;
/// Rows that come and go together.
const BLOCK: usize = 40;
/// How high a row is, in pixels, as long as none was measured.
const GUESSED_ROW_PIXELS: f64 = 88.0;

/// The part of the list's height that is seen, in pixels from its beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) top: f64,
    pub(super) height: f64,
}

/// The heights of the blocks of a list, as far as they were measured.
#[derive(Debug, Default)]
pub(super) struct Blocks(Vec<Option<f64>>);

/// What has to be in the document.
#[derive(Debug, PartialEq)]
pub(super) struct Window {
    /// By place in the list.
    pub(super) rows: Range<usize>,
    /// The height of the rows before, in pixels.
    pub(super) above: f64,
    /// The height of the rows after, in pixels.
    pub(super) below: f64,
}

impl Blocks {
    /// The list has another number of rows, or others.
    pub(super) fn resize(&mut self, rows: usize) {
        // The last block may have been shorter.
        if let Some(last) = self.0.last_mut() {
            *last = None;
        }
        self.0.resize(rows.div_ceil(BLOCK), None);
    }

    /// Notes the heights of rows that are in the document: the distances between the tops of the
    /// blocks from that of the row `first` on.
    pub(super) fn measure(&mut self, first: usize, tops: &[f64]) {
        for (index, pair) in (first / BLOCK..).zip(tops.windows(2)) {
            if let (Some(block), [top, next]) = (self.0.get_mut(index), pair) {
                *block = Some(next - top);
            }
        }
    }

    /// What has to be in the document of a list of so many rows.
    pub(super) fn window(&self, rows: usize, seen: Seen) -> Window {
        if rows <= WHOLE {
            return Window { rows: 0..rows, above: 0.0, below: 0.0 };
        }
        let guess = self.guess();
        let (from, to) = (seen.top - seen.height, seen.top + 2.0 * seen.height);
        let mut window = Window { rows: rows..rows, above: 0.0, below: 0.0 };
        let mut top = 0.0;
        for (index, height) in self.0.iter().map(|height| height.unwrap_or(guess)).enumerate() {
            let block = index * BLOCK..((index + 1) * BLOCK).min(rows);
            let bottom = top + height;
            let is_last = block.end == rows;
            if bottom < from && !is_last {
                window.above += height;
            } else if top > to && !window.rows.is_empty() {
                window.below += height;
            } else if window.rows.is_empty() {
                window.rows = block;
            } else {
                window.rows.end = block.end;
            }
            top = bottom;
        }
        window
    }

    /// How high a block is that was not measured.
    fn guess(&self) -> f64 {
        let (sum, count) = self
            .0
            .iter()
            .flatten()
            .fold((0.0, 0_u32), |(sum, count), height| (sum + height, count + 1));
        if count == 0 { GUESSED_ROW_PIXELS * blocks_rows() } else { sum / f64::from(count) }
    }
}

/// Whether a row begins a block.
pub(super) fn begins_block(place: usize) -> bool {
    place.is_multiple_of(BLOCK)
}

#[expect(clippy::cast_precision_loss, reason = "a small constant")]
fn blocks_rows() -> f64 {
    BLOCK as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCREEN: f64 = 900.0;

    fn blocks(rows: usize) -> Blocks {
        let mut blocks = Blocks::default();
        blocks.resize(rows);
        blocks
    }

    #[test]
    fn short_list_is_there_as_a_whole() {
        let window = blocks(WHOLE).window(WHOLE, Seen { top: 5000.0, height: SCREEN });
        assert_eq!(window, Window { rows: 0..WHOLE, above: 0.0, below: 0.0 });
    }

    #[test]
    fn long_list_is_there_where_it_is_seen() {
        let rows = 50_000;
        let window = blocks(rows).window(rows, Seen { top: 880_000.0, height: SCREEN });
        assert!(window.rows.contains(&10_000), "{window:?}");
        assert!(window.rows.len() <= 3 * BLOCK, "{window:?}");
    }

    #[test]
    fn measured_blocks_replace_the_guess() {
        let mut blocks = blocks(400);
        blocks.measure(0, &[10.0, 1010.0, 2510.0]);
        let window = blocks.window(400, Seen { top: 3000.0, height: 100.0 });
        assert!((window.above - 2500.0).abs() < 0.1, "{window:?}");
    }

    proptest! {
        #[test]
        fn rows_and_the_space_around_them_make_the_whole_list(
            rows in WHOLE + 1..60_000_usize,
            top in 0.0..6_000_000.0_f64,
        ) {
            let window = blocks(rows).window(rows, Seen { top, height: SCREEN });
            prop_assert!(!window.rows.is_empty());
            prop_assert!(window.rows.end <= rows);
            prop_assert!(begins_block(window.rows.start));
            let height = GUESSED_ROW_PIXELS * blocks_rows();
            let shown = window.rows.len().div_ceil(BLOCK);
            let hidden = ((window.above + window.below) / height).round() as usize;
            prop_assert_eq!(shown + hidden, rows.div_ceil(BLOCK));
        }
    }
}
