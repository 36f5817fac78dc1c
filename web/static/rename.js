// The field in an upload's row for another name of its file. The page loads this when a user presses
// "Rename".
//
// The program checks the name. It reads the row's attribute `data-new-name` when the row's hidden button is
// pressed, and answers with the attribute `data-name-problem`, which is empty if it has renamed the file.

const template = document.getElementById("t-rename");

// Opens the field in a row, with the name selected up to its extension.
export const edit = (row) => {
  const form = row.querySelector(".rename") ?? open(row);
  form.querySelector("input").focus();
};

const open = (row) => {
  const form = template.content.firstElementChild.cloneNode(true);
  const cancel = form.querySelector("[type=button]");
  const field = form.querySelector("input");
  const close = () => {
    form.remove();
    row.focus();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const problem = rename(row, field.value.trim());
    if (problem) showProblem(form, field, form.dataset[problem]);
    else close();
  });
  cancel.addEventListener("click", close);
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    // The keys of the list are not those of the field.
    event.stopPropagation();
  });
  row.append(form);
  const [name] = row.ariaLabel.split("/").slice(-1);
  const dot = name.lastIndexOf(".");
  field.value = name;
  field.setSelectionRange(0, dot > 0 ? dot : name.length);
  return form;
};

// Has the program rename the file. Returns what is wrong with the name, or an empty text.
const rename = (row, name) => {
  row.dataset.newName = name;
  row.querySelector("[data-renames]").click();
  delete row.dataset.newName;
  return row.dataset.nameProblem;
};

const showProblem = (form, field, text) => {
  form.querySelector(".rename-problem").textContent = text;
  field.ariaInvalid = "true";
  field.focus();
};
