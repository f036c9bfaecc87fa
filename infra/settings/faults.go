package settings

import (
	"fmt"

	"dossier.example/app/setting"
)

// Fault is one setting that cannot be used. Its name is what one types after "dossier:settings."; "stack" and
// "aws:region" stand for what does not come from there. Its source is such as Pulumi.prod.yaml or preset prod. No value
// is shown where the configuration holds a secret.
type Fault = setting.Fault

// Error is every fault of the settings of a stack: bad values, unknown keys, then values that do not go together.
type Error = setting.Error

// failure is the error of a stack that has faults.
func failure(stack string, faults []Fault) *Error {
	return &Error{Faults: faults, Heading: fmt.Sprintf(
		"%s in the settings of stack %s; nothing was changed (docs/settings.md lists all keys below %s)",
		setting.Count(len(faults), "fault", "faults"), setting.Plain(stack), Key)}
}
