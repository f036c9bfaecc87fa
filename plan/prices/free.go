package prices

import (
	_ "embed"
	"strings"
	"sync"
)

// freeText has the types that nobody pays for by time, a line each below the reason, which ends with a colon.
//
//go:embed free.txt
var freeText string

// free are the reasons by type.
var free = sync.OnceValue(func() map[string]string {
	types, reason := map[string]string{}, ""
	for line := range strings.Lines(freeText) {
		line = strings.TrimSpace(line)
		if heading, is := strings.CutSuffix(line, ":"); is {
			reason = heading
		} else if line != "" && !strings.HasPrefix(line, "#") {
			types[line] = reason
		}
	}
	return types
})
