//! The rows of a long list that are in the document.
//!
//! All rows of a list with up to [`MAX_FULL_LIST`] rows are in the document, so that screen readers
//! and the browser's search find them. Of a longer list it has the rows in view and a screenful
//! on both sides, in blocks. Empty space above and below has the height of the other blocks.

use std::ops::Range;

/// The most rows of a list that is in the document as a whole.
pub const MAX_FULL_LIST: usize = 300;
/// The rows of a block, which are added and removed together.
const BLOCK: usize = 40;
/// The same number, for sums of pixels.
const BLOCK_ROWS: i32 = 40;
/// The height of a row, in pixels, until one was measured.
const ESTIMATED_ROW_PIXELS: i32 = 88;

/// The visible part of the list, in pixels from its top.
#[derive(Clone, Copy, Debug)]
pub struct Viewport {
    /// The height above it.
    pub top: i32,
    /// Its own height.
    pub height: i32,
}

/// The measured heights of the blocks of a list.
#[derive(Debug, Default)]
pub struct BlockHeights(Vec<Option<i32>>);

/// The rows that have to be in the document.
#[derive(Debug, PartialEq, Eq)]
pub struct RenderedRows {
    /// By position in the list.
    pub rows: Range<usize>,
    /// The height of the rows above, in pixels.
    pub above: i32,
    /// The height of the rows below, in pixels.
    pub below: i32,
}

impl BlockHeights {
    /// Returns the distance from the top of the list to a row, in pixels, as far as it is known.
    #[must_use]
    pub fn row_top(&self, row: usize) -> i32 {
        let guess = self.estimate();
        let block = |index: usize| self.0.get(index).copied().flatten().unwrap_or(guess);
        let before: i32 = (0..row / BLOCK).map(block).sum();
        let into = i32::try_from(row % BLOCK).unwrap_or_default();
        before + block(row / BLOCK) * into / BLOCK_ROWS
    }

    /// The list has another number of rows, or other rows.
    pub fn resize(&mut self, rows: usize) {
        // The last block may have been incomplete.
        if let Some(last) = self.0.last_mut() {
            *last = None;
        }
        self.0.resize(rows.div_ceil(BLOCK), None);
    }

    /// Notes the heights of the blocks in the document: `tops` are their tops, from the block of the
    /// row `first` on.
    pub fn measure(&mut self, first: usize, tops: &[i32]) {
        for (index, pair) in (first / BLOCK..).zip(tops.windows(2)) {
            if let (Some(block), [top, next]) = (self.0.get_mut(index), pair) {
                *block = Some(next - top);
            }
        }
    }

    /// Returns the rows that have to be in the document, of a list with `rows` rows.
    #[must_use]
    pub fn rendered_rows(&self, rows: usize, seen: Viewport) -> RenderedRows {
        if rows <= MAX_FULL_LIST {
            return RenderedRows { rows: 0..rows, above: 0, below: 0 };
        }
        let guess = self.estimate();
        let (from, to) = (seen.top - seen.height, seen.top + 2 * seen.height);
        let mut window = RenderedRows { rows: rows..rows, above: 0, below: 0 };
        let mut top = 0;
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

    /// Returns the height of an unmeasured block: the mean of the others.
    fn estimate(&self) -> i32 {
        let measured = self.0.iter().flatten();
        let (sum, count) = measured.fold((0, 0), |(sum, count), height| (sum + height, count + 1));
        sum.checked_div(count).unwrap_or(ESTIMATED_ROW_PIXELS * BLOCK_ROWS)
    }
}

/// Returns whether a row is the first of its block.
#[must_use]
pub fn begins_block(place: usize) -> bool {
    place.is_multiple_of(BLOCK)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SCREEN: i32 = 900;

    fn blocks(rows: usize) -> BlockHeights {
        let mut blocks = BlockHeights::default();
        blocks.resize(rows);
        blocks
    }

    #[test]
    fn short_list_is_there_as_a_whole() {
        let window = blocks(MAX_FULL_LIST)
            .rendered_rows(MAX_FULL_LIST, Viewport { top: 5000, height: SCREEN });
        assert_eq!(window, RenderedRows { rows: 0..MAX_FULL_LIST, above: 0, below: 0 });
    }

    #[test]
    fn long_list_is_there_where_it_is_seen() {
        let rows = 50_000;
        let window = blocks(rows).rendered_rows(rows, Viewport { top: 880_000, height: SCREEN });
        assert!(window.rows.contains(&10_000), "{window:?}");
        assert!(window.rows.len() <= 3 * BLOCK, "{window:?}");
    }

    #[test]
    fn measured_blocks_replace_the_guess() {
        let mut blocks = blocks(400);
        blocks.measure(0, &[10, 1010, 2510]);
        let window = blocks.rendered_rows(400, Viewport { top: 3000, height: 100 });
        // The first block is 1000 high, the second 1500, and the others as guessed are too high.
        assert_eq!(
            (window.above, blocks.row_top(BLOCK), blocks.row_top(2 * BLOCK)),
            (2500, 1000, 2500)
        );
    }

    proptest! {
        #[test]
        fn rows_and_the_space_around_them_make_the_whole_list(
            rows in MAX_FULL_LIST + 1..60_000_usize,
            top in 0..6_000_000_i32,
        ) {
            let window = blocks(rows).rendered_rows(rows, Viewport { top, height: SCREEN });
            prop_assert!(!window.rows.is_empty());
            prop_assert!(window.rows.end <= rows);
            prop_assert!(begins_block(window.rows.start));
            let height = ESTIMATED_ROW_PIXELS * BLOCK_ROWS;
            let shown = window.rows.len().div_ceil(BLOCK);
            let hidden = usize::try_from((window.above + window.below) / height).unwrap();
            prop_assert_eq!(shown + hidden, rows.div_ceil(BLOCK));
        }
    }
}
