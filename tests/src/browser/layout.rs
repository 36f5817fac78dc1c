//! Screenshots and layout shifts of a page at rest.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{Page, Tab, in_tab};

/// Longer than any animation on the page that ends.
const REST_LIMIT: Duration = Duration::from_secs(2);

impl Page {
    /// Waits until fonts are loaded and animations that end have ended. It does not wait for endless
    /// ones, as of a progress bar.
    pub async fn settle(&self) {
        let limit = REST_LIMIT.as_millis();
        self.run(&format!(
            "(async () => {{
                const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
                await document.fonts.ready;
                await frame();
                const still = Promise.all(document.getAnimations()
                    .filter((animation) => animation.effect?.getComputedTiming().endTime !== Infinity)
                    .map((animation) => animation.finished.catch(() => null)));
                await Promise.race([still, new Promise((late) => setTimeout(late, {limit}))]);
                await frame();
                return null;
            }})()"
        ))
        .await;
    }

    /// Saves what the window shows as `target/screenshots/NAME.png` of the workspace.
    ///
    /// # Panics
    /// When the target directory cannot be written.
    pub async fn screenshot(&self, name: &str) -> PathBuf {
        self.settle().await;
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screenshots");
        fs::create_dir_all(&folder).expect("the target directory can be written");
        let picture = in_tab!(self, tab => tab.picture().await);
        let path = folder.join(format!("{name}.png"));
        fs::write(&path, picture).expect("the target directory can be written");
        path
    }

    /// Returns the layout shifts with their origins and targets: those that Layout Instability §3
    /// counts, except within half a second of input. In Chromium alone.
    ///
    /// # Panics
    /// When the browser reports no shifts.
    pub async fn layout_shifts(&self) -> Vec<String> {
        // The first paint is always among the entries, so that there is always an answer.
        let expression = "new Promise((tell) => {
            const place = ({ x, y, width, height }) => `${x},${y} ${width}x${height}`;
            const moved = ({ node, previousRect, currentRect }) =>
                `${node?.id || node?.nodeName}: ${place(previousRect)} to ${place(currentRect)}`;
            const observer = new PerformanceObserver((list) => {
                const shifts = list.getEntriesByType('layout-shift');
                observer.disconnect();
                tell(shifts.filter((shift) => !shift.hadRecentInput)
                    .map(({ value, sources }) => `${value}, ${sources.map(moved).join(', ')}`));
            });
            observer.observe({ type: 'paint', buffered: true });
            observer.observe({ type: 'layout-shift', buffered: true });
        })";
        self.settle().await;
        let shifts = self.run(expression).await;
        serde_json::from_value(shifts).expect("the script makes a list of texts")
    }
}
