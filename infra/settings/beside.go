package settings

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"dossier.example/app/setting"
)

const (
	namespace = "dossier:"
	tagsKey   = "aws:defaultTags"
	// project is the tag Project of everything that is a stack's of this program.
	project = "dossier"
)

// Names returns the names of all configuration from the environment variable in which Pulumi hands it to a program.
func Names(config string) []string {
	var all map[string]json.RawMessage
	if json.Unmarshal([]byte(config), &all) != nil {
		return nil // Pulumi itself has said what is wrong with it.
	}
	return slices.Sorted(maps.Keys(all))
}

// misplaced refuses what stands beside Key, where nobody reads it: a typo there would make a "prod" of the preset dev.
func (l *loader) misplaced(names []string) {
	settings := strings.TrimPrefix(Key, namespace)
	for _, name := range names {
		rest, ours := strings.CutPrefix(name, namespace)
		if !ours || name == Key {
			continue
		}
		problem := "nobody reads it, because all settings are in " + Key
		near := setting.Nearest(rest, append(l.known(), settings))
		switch {
		case slices.Contains(near, settings):
			problem += "; did you mean that?"
			l.meant(l.known()...)
		case near != nil:
			l.meant(near...)
			keys := make([]string, len(near))
			for i, n := range near {
				keys[i] = Key + "." + n
			}
			problem += "; did you mean " + setting.Alternatives(keys) + "?"
		default:
			problem += "."
		}
		name = namespace + setting.Plain(rest)
		l.Fault(Fault{Name: name, Value: setting.Hidden, Source: l.file(),
			Problem: fmt.Sprintf("%s Remove it with \"pulumi config rm %s\"", problem, name)})
	}
}

// identities are what tells the provider alone who deploys and where AWS is. The preflight and the commands of a
// deployment would ask somebody else.
var identities = []struct{ key, instead string }{
	{"aws:accessKey", "AWS_ACCESS_KEY_ID or a profile (aws:profile)"},
	{"aws:secretKey", "AWS_SECRET_ACCESS_KEY or a profile (aws:profile)"},
	{"aws:token", "AWS_SESSION_TOKEN or a profile (aws:profile)"},
	{"aws:assumeRole", "a profile with role_arn in the AWS configuration (aws:profile)"},
	{"aws:assumeRoles", "a profile with role_arn in the AWS configuration (aws:profile)"},
	{"aws:assumeRoleWithWebIdentity", "AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"},
	{"aws:sharedConfigFiles", "AWS_CONFIG_FILE"},
	{"aws:sharedCredentialsFiles", "AWS_SHARED_CREDENTIALS_FILE"},
	{"aws:endpoints", "AWS_ENDPOINT_URL"},
}

// identity refuses credentials that only the provider would use.
func (l *loader) identity(ctx Pulumi) {
	for _, i := range identities {
		value, _ := ctx.GetConfig(i.key)
		if slices.Contains([]string{"", "null", "[]", "{}"}, strings.TrimSpace(value)) {
			continue
		}
		l.Fault(Fault{Name: i.key, Value: setting.Hidden, Source: l.file(), Problem: fmt.Sprintf("only Pulumi's "+
			"provider would use it, but the preflight and the commands of a deployment call AWS as well; use %s "+
			"instead, and remove it with \"pulumi config rm %s\"", i.instead, i.key)})
	}
}

// tags reads the tags that the provider puts on all that it makes. What says that it belongs to another stack would be
// taken for that one's, by its checks and by who may deploy it. With a boundary of package deployer, which has the name
// that Boundary is compared with, there are policies of it too: they allow changes only to what has both tags.
func (l *loader) tags(raw string, secret bool) {
	fault := func(problem string) {
		f := Fault{Name: tagsKey, Problem: problem}
		if raw != "" {
			f.Value, f.Source = setting.Quoted(raw), l.file()
		}
		if f.Value != "" && secret {
			f.Value = setting.Hidden
		}
		l.Fault(f)
	}
	form := fmt.Sprintf(`{"tags": {"Project": %q, "Stack": %q}}`, project, l.Stack)
	var object struct {
		Tags map[string]any `json:"tags"`
	}
	if strings.TrimSpace(raw) != "" {
		decoder := json.NewDecoder(strings.NewReader(raw))
		decoder.DisallowUnknownFields()
		decoder.UseNumber()
		if err := decoder.Decode(&object); err != nil {
			fault("must be an object of tags, each a text, such as " + form)
			return
		}
	}
	// The release gets them as well (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-tagging.html).
	if most := 10; len(object.Tags) > most {
		fault(fmt.Sprintf("must have at most %d tags: S3 takes no more of an object, and the release has them all",
			most))
		return
	}
	tags := map[string]string{}
	for key, value := range object.Tags {
		text, ok := scalarText(value)
		if !ok {
			fault("must be an object of tags, each a text, such as " + form)
			return
		}
		tags[key] = text
	}
	mend := fmt.Sprintf("; set it with \"pulumi config set --path %s.tags.Stack %s\"", tagsKey, l.Stack)
	if tags["Project"] == project && tags["Stack"] != "" && tags["Stack"] != l.Stack {
		other := "another stack"
		if !secret {
			other = "the stack " + setting.Plain(tags["Stack"])
		}
		fault("the tag Stack must be the stack's own name, or everything would pass for " + other + mend)
		return
	}
	if strings.HasSuffix(l.Access.Boundary, "policy/dossier-"+l.Stack+"-boundary") &&
		(tags["Project"] != project || tags["Stack"] != l.Stack) {
		fault("with the policies of \"make deploy-policy\", whose boundary access.boundary names, it must have the " +
			"tags " + form + ": they allow changes only to what has both")
		return
	}
	if len(tags) > 0 {
		l.Tags = tags
	}
}
