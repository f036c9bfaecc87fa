package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// misfits says what Pulumi has against the configuration of a stack, by what its project's file declares; empty:
// nothing. Pulumi looks at it before it runs the program, which may get by without. Where whole tells that nothing else
// gives the stack values, that includes those that are missing.
func misfits(project *workspace.Project, values config.Map, whole bool) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(project.Config)) {
		declared, full := project.Config[name], name
		if !strings.Contains(full, ":") {
			full = project.Name.String() + ":" + name
		}
		key, err := config.ParseKey(full)
		if err != nil {
			continue // what reads the project's file says so
		}
		value, set, err := values.Get(key, true)
		switch {
		case err != nil:
		case !set:
			// Those of providers may be missing.
			if whole && key.Namespace() == project.Name.String() && declared.Value == nil && declared.Default == nil {
				words = append(words, quoted(name)+" has no value and no default, unless something else sets it")
			}
		case declared.Secret && !value.Secure():
			words = append(words, quoted(name)+" is a secret, and has to be encrypted")
		case declared.IsExplicitlyTyped() && !value.Secure():
			if text, err := value.Value(config.NopDecrypter); err == nil && !fits(declared, value, text) {
				words = append(words, fmt.Sprintf("%s is no value of type %s", quoted(name),
					quoted(workspace.InferFullTypeName(*declared.Type, declared.Items))))
			}
		}
	}
	return strings.Join(words, ", ")
}

// fits reports whether a value is of the type that is declared. What is encrypted within it may be of any.
func fits(declared workspace.ProjectConfigType, value config.Value, text string) bool {
	var content any = text
	if value.Object() {
		if json.Unmarshal([]byte(text), &content) != nil {
			return false
		}
	}
	return workspace.ValidateConfigValue(*declared.Type, declared.Items, content)
}

// sealing is what tells the key apart that a stack's file is encrypted with; empty: nothing in it is.
func sealing(stack *workspace.ProjectStack) string {
	if len(stack.Config.SecureKeys()) == 0 {
		return ""
	}
	return fmt.Sprintf("%q", []string{stack.SecretsProvider, stack.EncryptedKey, stack.EncryptionSalt})
}

// resealed are notes of the stacks whose secrets are encrypted with another key than those of base.
func resealed(before, head *program) []string {
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(head.sealings)) {
		was, is := before.sealings[name], head.sealings[name]
		if was != "" && is != "" && was != is {
			notes = append(notes, fmt.Sprintf("Stack %s of project %s encrypts its secrets with another key than "+
				"before. So each of them differs in its file, and whether any has another value is not known: what is "+
				"said of its secrets holds only if they have.", quoted(name), quoted(head.name)))
		}
	}
	return notes
}
