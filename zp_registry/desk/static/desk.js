/* What pages can do more of with a script; every one of them works without it. For old browsers: no modern syntax. */
(function () {
  "use strict";

  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }

  // Progress of work in the background: asks soon, then once a second, and shows the result when it has ended.
  each("[data-poll]", function (box) {
    var bar = box.querySelector("[data-bar]"), step = box.querySelector("[data-step]"), pause = 250;
    function ask() {
      var request = new XMLHttpRequest();
      request.open("GET", box.getAttribute("data-poll"));
      request.setRequestHeader("X-Zp-Poll", "1");
      request.onload = function () {
        if (request.status !== 200) { window.setTimeout(ask, 5000); return; }
        var told = JSON.parse(request.responseText);
        if (told.state === "done" || told.state === "failed") {
          if (told.next) { window.location.href = told.next; } else { window.location.reload(); }
          return;
        }
        if (told.step) { step.textContent = told.step; }
        if (told.total) { bar.max = told.total; bar.value = told.done; }
        pause = Math.min(1000, 2 * pause);
        window.setTimeout(ask, pause);
      };
      request.onerror = function () { window.setTimeout(ask, 5000); };
      request.send();
    }
    window.setTimeout(ask, pause);
  });

  // Files: dragging them in, naming them, and how far they are on their way.
  each("form[data-upload]", function (form) {
    var input = form.querySelector("input[type=file]"), drop = form.querySelector("[data-drop]");
    var list = form.querySelector("[data-chosen]"), bar = form.querySelector("[data-bar]"), button = form.querySelector("button");
    form.classList.add("scripted");  // what was chosen is named below: the browser's own words are not needed
    function name() {
      list.textContent = "";
      Array.prototype.forEach.call(input.files, function (file) {
        var item = document.createElement("li");
        item.textContent = file.name + "（" + Math.max(1, Math.round(file.size / 1024)) + " KB）";
        list.appendChild(item);
      });
    }
    input.addEventListener("change", name);
    ["dragenter", "dragover"].forEach(function (event) {
      drop.addEventListener(event, function (e) { e.preventDefault(); drop.classList.add("over"); });
    });
    ["dragleave", "drop"].forEach(function (event) {
      drop.addEventListener(event, function (e) { e.preventDefault(); drop.classList.remove("over"); });
    });
    drop.addEventListener("drop", function (e) {
      if (e.dataTransfer && e.dataTransfer.files.length) { input.files = e.dataTransfer.files; name(); }
    });
    form.addEventListener("submit", function (e) {
      if (!window.FormData || !input.files.length) { return; }
      e.preventDefault();
      var request = new XMLHttpRequest();
      request.open("POST", form.action);
      request.setRequestHeader("X-Zp-Form", form.querySelector("input[name=csrf]").value);
      bar.hidden = false;
      button.disabled = true;
      request.upload.onprogress = function (p) { if (p.lengthComputable) { bar.value = 100 * p.loaded / p.total; } };
      function failed(text) {
        var item = document.createElement("li");
        item.className = "fault";
        item.textContent = text;
        list.appendChild(item);
        button.disabled = false;
        bar.hidden = true;
      }
      request.onload = function () {
        if (request.status < 400) { window.location.href = request.responseURL; } else {
          failed(request.status === 413 ? "文件过大" : "上传没有成功，请刷新此页后再试");
        }
      };
      request.onerror = function () { failed("连接中断，请再试一次"); };
      request.send(new FormData(form));
    });
  });

  // A form is sent once, however often the button is pressed.
  each("form[method=post]:not([data-upload])", function (form) {
    form.addEventListener("submit", function () {
      window.setTimeout(function () {
        Array.prototype.forEach.call(form.querySelectorAll("button"), function (b) { b.disabled = true; });
      }, 0);
      window.setTimeout(function () {  // what was asked for may have been a file, and the page still stands
        Array.prototype.forEach.call(form.querySelectorAll("button"), function (b) { b.disabled = false; });
      }, 8000);
    });
  });

})();
