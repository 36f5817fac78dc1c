// Answers Firefox's own dialogs for files: runs with the privileges of the browser's window.
//
// The portal's page presses its button, Firefox asks for files, and this picks them: a page cannot
// distinguish it from a user. A folder is confirmed in the dialog that Firefox shows for it.
(paths) => {
  const LocalFile = Components.Constructor("@mozilla.org/file/local;1", "nsIFile", "initWithPath");
  const isFirst = globalThis.pick === undefined;
  globalThis.pick = { files: paths.map((path) => new LocalFile(path)), done: false };
  // The first factory stays in its place, whatever is registered after it.
  if (!isFirst) return;

  const confirmFolder = () => {
    const box = gBrowser.getTabDialogBox(gBrowser.selectedBrowser);
    const shown = box.getTabDialogManager()._topDialog;
    // The dialog has its buttons only when its own script has run.
    const dialog = shown?._frame?.contentWindow?.Dialog?.ui?.button0 && shown._dialogReady
      && shown._frame.contentDocument.getElementById("commonDialog");
    const accept = dialog && dialog.getButton("accept");
    if (!accept || accept.disabled) {
      setTimeout(confirmFolder, 20);
      return;
    }
    shown._dialogReady.then(() => {
      accept.click();
      globalThis.pick.done = true;
    });
  };

  class Picker {
    QueryInterface = ChromeUtils.generateQI(["nsIFilePicker"]);
    init(_context, _title, mode) {
      this.mode = mode;
    }
    appendFilter() {}
    appendFilters() {}
    appendRawFilter() {}
    close() {}
    get file() {
      return globalThis.pick.files[0];
    }
    get files() {
      const left = [...globalThis.pick.files];
      return {
        QueryInterface: ChromeUtils.generateQI(["nsISimpleEnumerator"]),
        hasMoreElements: () => left.length > 0,
        getNext: () => left.shift(),
      };
    }
    open(callback) {
      Services.tm.dispatchToMainThread(() => {
        callback.done(Ci.nsIFilePicker.returnOK);
        if (this.mode === Ci.nsIFilePicker.modeGetFolder) confirmFolder();
        else globalThis.pick.done = true;
      });
    }
  }
  const factory = {
    QueryInterface: ChromeUtils.generateQI(["nsIFactory"]),
    createInstance: (wanted) => new Picker().QueryInterface(wanted),
  };
  Components.manager
    .QueryInterface(Ci.nsIComponentRegistrar)
    .registerFactory(Services.uuid.generateUUID(), "", "@mozilla.org/filepicker;1", factory);
}
