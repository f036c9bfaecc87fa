package permissions

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// statement is one statement of an identity policy.
type statement struct {
	number                  int // from 1
	sid                     string
	deny                    bool
	actions, notActions     []string
	resources, notResources []string
	// condition is compact JSON with sorted keys; empty for none.
	condition string
}

// String names the statement, with its condition.
func (s statement) String() string {
	name := fmt.Sprintf("statement %d", s.number)
	if s.sid != "" {
		name = "statement " + s.sid
	}
	if s.condition != "" {
		name += " under the condition " + s.condition
	}
	return name
}

// texts is a text or a list of texts.
type texts []string

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(data, &many); err != nil {
		return errors.New("neither a text nor a list of texts")
	}
	*t = many
	return nil
}

// policyVersion is that of IAM's policy language. Without it documents have an older meaning.
const policyVersion = "2012-10-17"

// parsePolicy reads an identity policy.
func parsePolicy(document string) ([]statement, error) {
	var d struct {
		Version, ID string
		Statement   json.RawMessage
	}
	if err := decode([]byte(document), &d); err != nil {
		return nil, fmt.Errorf("policy document: %w", err)
	}
	if d.Version != policyVersion {
		return nil, fmt.Errorf("policy document: Version is %q, not %q", d.Version, policyVersion)
	}
	raw := d.Statement
	if bytes.HasPrefix(raw, []byte("{")) {
		raw = append(append([]byte("["), raw...), ']')
	}
	type statementJSON struct {
		Sid, Effect                              string
		Action, NotAction, Resource, NotResource texts
		Condition                                map[string]map[string]any
	}
	var list []statementJSON
	if err := decode(raw, &list); err != nil {
		return nil, fmt.Errorf("policy document: Statement: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("policy document: it has no statement")
	}
	var statements []statement
	for i, in := range list {
		s := statement{
			number: i + 1, sid: in.Sid, deny: in.Effect == "Deny",
			actions: in.Action, notActions: in.NotAction, resources: in.Resource, notResources: in.NotResource,
		}
		fault := func(problem string) error { return fmt.Errorf("policy document: %s: %s", s, problem) }
		if in.Effect != "Allow" && in.Effect != "Deny" {
			return nil, fault(fmt.Sprintf("Effect is %q", in.Effect))
		}
		if (len(in.Action) > 0) == (len(in.NotAction) > 0) {
			return nil, fault("it needs one of Action and NotAction")
		}
		if (len(in.Resource) > 0) == (len(in.NotResource) > 0) {
			return nil, fault("it needs one of Resource and NotResource")
		}
		for _, r := range append(append(texts{}, in.Resource...), in.NotResource...) {
			if strings.Contains(r, "${") {
				return nil, fault("the policy variable in " + r + " is not understood here")
			}
		}
		if len(in.Condition) > 0 {
			text, err := json.Marshal(in.Condition) // sorts the keys
			if err != nil {
				return nil, fault(err.Error())
			}
			s.condition = string(text)
		}
		statements = append(statements, s)
	}
	return statements, nil
}

// decode reads one JSON value and refuses what the type does not know: a policy of a resource, with its Principal, is
// none of a role.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more than one value")
	}
	return nil
}
