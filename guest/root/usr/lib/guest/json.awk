# JSON on standard input to lines "path<TAB>value", as in "public_keys.mine<TAB>ssh-rsa ...". The boot reads a few
# values; a path keeps a user's own meta.hostname apart from the hostname. Line ends within values become spaces.
function skip(count) { s = substr(s, count + 1) }
function peek() {
  sub(/^[ \t\r\n,:]+/, "", s)
  return substr(s, 1, 1)
}
function text(   out, c) {
  out = ""
  skip(1)
  while (s != "") {
    match(s, /^[^"\\]*/)
    out = out substr(s, 1, RLENGTH)
    skip(RLENGTH)
    if (substr(s, 1, 1) != "\\") break
    c = substr(s, 2, 1)
    if (c == "u") {
      out = out sprintf("%c", hex(substr(s, 3, 4)))
      skip(6)
    } else {
      out = out (c ~ /[nrtbf]/ ? " " : c)
      skip(2)
    }
  }
  skip(1)
  return out
}
# What is not ASCII becomes a question mark: no value the boot reads may have it.
function hex(digits,   i, n) {
  n = 0
  for (i = 1; i <= length(digits); i++) n = n * 16 + index("123456789abcdef", tolower(substr(digits, i, 1)))
  return n < 128 ? n : 63
}
function value(path,   c, n) {
  c = peek()
  if (c == "{") {
    skip(1)
    while (peek() == "\"") value(path (path == "" ? "" : ".") text())
    skip(1)
  } else if (c == "[") {
    skip(1)
    n = 0
    while (peek() != "]" && s != "") value(path "." n++)
    skip(1)
  } else if (c == "\"") {
    print path "\t" text()
  } else if (match(s, /^[^],} \t\r\n]+/)) {
    print path "\t" substr(s, 1, RLENGTH)
    skip(RLENGTH)
  } else {
    s = ""
  }
}
{ all = all $0 "\n" }
END { s = all; value("") }
