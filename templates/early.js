// Adds a missing slash to the path of the page: all its URLs are relative, and behind a proxy that strips
// a prefix the portal cannot see that the slash is missing. Sets the view and the colours.
if (!location.pathname.endsWith("/"))
  location.replace(location.pathname + "/" + location.search + location.hash);
{
  const { dataset } = document.documentElement;
  const query = new URLSearchParams(location.search);
  const asked = query.get("view");
  try {
    if (asked) {
      sessionStorage["ferryport-view"] = asked;
      // A copied link does not ask for the view.
      query.delete("view");
      history.replaceState(null, "", `${location.pathname}?${query}`.replace(/\?$/, "") + location.hash);
    }
    dataset.view = sessionStorage["ferryport-view"] ?? localStorage["ferryport-view"] ?? "";
    dataset.theme = localStorage["ferryport-theme"] ?? "";
  } catch {
    dataset.view = asked ?? "";
  }
}
