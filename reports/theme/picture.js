"use strict";
document.documentElement.dataset.drawn = "yes";
