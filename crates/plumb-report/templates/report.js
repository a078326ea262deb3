// Filters the list of transcripts. The page is whole without it: it hides rows, it adds none.
(function () {
  "use strict";
  var form = document.getElementById("filters");
  var list = document.getElementById("list");
  if (!form || !list) return;
  form.hidden = false;
  var rows = Array.prototype.slice.call(list.children);
  var selects = Array.prototype.slice.call(form.querySelectorAll("select"));
  var search = document.getElementById("search");
  var shown = document.getElementById("shown");
  var texts = null;

  function apply() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    // Texts are read once, and only when someone searches.
    if (words.length && !texts) {
      texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
    }
    var wanted = selects.filter(function (s) { return s.value !== ""; });
    var count = 0;
    rows.forEach(function (row, at) {
      var fits = wanted.every(function (s) {
        return row.getAttribute("data-k" + s.getAttribute("data-key")) === s.value;
      }) && words.every(function (word) { return texts[at].indexOf(word) >= 0; });
      row.hidden = !fits;
      if (fits) count += 1;
    });
    shown.textContent = count === rows.length ? rows.length + " shown" : count + " of " + rows.length + " shown";
  }

  function open(state) {
    rows.forEach(function (row) {
      if (!state || !row.hidden) row.firstElementChild.open = state;
    });
  }

  var waiting = 0;
  search.addEventListener("input", function () {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  });
  form.addEventListener("change", apply);
  form.addEventListener("submit", function (event) { event.preventDefault(); apply(); });
  // A reset clears the fields after its event.
  form.addEventListener("reset", function () { setTimeout(apply, 0); });
  document.getElementById("open-all").addEventListener("click", function () { open(true); });
  document.getElementById("close-all").addEventListener("click", function () { open(false); });
  apply();
})();
