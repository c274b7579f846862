# summary.awk - counts a ctest run from its JUnit report, in cmocka's words and in one
# plain line. A cmocka program counts as its tests; any other program counts as one.
# -v result=N is ctest's exit status; the exit status is 0 only if all went well.

function number(line,   parts) {
    split(line, parts, " ")
    return line ~ /\] +[0-9]+ test/ ? substr(line, index(line, "]") + 1) + 0 : 0
}

# A program that failed without cmocka saying so (it crashed, ran out of time, leaked)
# is one failure more.
function close_case() {
    if (status == "")
        return
    if (status == "fail" && bad == 0)
        bad = 1
    if (status == "run" && good + bad + left == 0)
        good = 1
    if (status == "notrun" || status == "disabled")
        left = 1
    passed += good; failed += bad; skipped += left
    status = ""
}

/<testcase / {
    close_case()
    good = bad = left = 0
    status = $0
    sub(/.* status="/, "", status)
    sub(/".*/, "", status)
}
/\[  PASSED  \]/ { good += number($0) }
/\[  FAILED  \] +[0-9]+ test/ { bad += number($0) }
/\[  SKIPPED \] +[0-9]+ test/ { left += number($0) }

END {
    close_case()
    if (result != 0 && failed == 0)
        failed = 1
    printf "\n[==========] %d test(s) run.\n", passed + failed + skipped
    printf "[  PASSED  ] %d test(s).\n", passed
    if (skipped)
        printf "[  SKIPPED ] %d test(s).\n", skipped
    if (failed)
        printf "[  FAILED  ] %d test(s).\n", failed
    printf "%d passed, %d failed", passed, failed
    if (skipped)
        printf ", %d skipped", skipped
    print ""
    exit failed > 0 || passed == 0
}
