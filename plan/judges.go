package plan

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"dossier.example/plan/graph"
	"dossier.example/plan/iam"
	"dossier.example/plan/internal/awsmodel"
)

// always judges any difference, also of what was not there.
func always(means string) judge { return func(any, any) string { return means } }

// whenNew judges by the new value of what is created.
func whenNew(means string, is func(now any) bool) judge {
	return func(_, now any) string {
		if is(now) {
			return means
		}
		return ""
	}
}

// toNone judges a number that becomes 0, with which nothing happens any longer.
func toNone(means string) judge {
	return func(old, now any) string {
		is, given := graph.Number(now)
		if was, had := graph.Number(old); !given || is != 0 || had && was == 0 {
			return ""
		}
		return fmt.Sprintf("%s (%s → 0)", means, orUnset(old))
	}
}

// left is lower where something is left.
func left(unset float64, format string) judge {
	return func(old, now any) string {
		if is, given := graph.Number(now); given && is == 0 {
			return ""
		}
		return lower(unset, format)(old, now)
	}
}

// further judges a list that gets something.
func further(means string) judge {
	return func(old, now any) string {
		had := graph.Texts(old)
		var come []string
		for _, text := range graph.Texts(now) {
			if !slices.Contains(had, text) {
				come = append(come, code(cut(text, longest)))
			}
		}
		if len(come) == 0 {
			return ""
		}
		return fmt.Sprintf(means, strings.Join(few(come), ", "))
	}
}

// foreignAccount is the account of an ARN that is not the stack's own nor AWS's; empty: there is none.
func foreignAccount(arn string) string {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[4] == "" || parts[4] == "aws" || parts[4] == awsmodel.Account {
		return ""
	}
	return parts[4]
}

// foreignLayers judges layers of a function: what is in them runs with its rights.
func foreignLayers(old, now any) string {
	had := graph.Texts(old)
	var come []string
	for _, text := range graph.Texts(now) {
		account := foreignAccount(text)
		if account != "" && !slices.ContainsFunc(had, func(h string) bool { return foreignAccount(h) == account }) {
			come = append(come, code(account))
		}
	}
	if len(come) == 0 {
		return ""
	}
	return "code of the foreign account " + strings.Join(few(come), ", ") + " runs in it, with its rights"
}

// redrive judges what becomes of messages that cannot be handled.
func redrive(old, now any) string {
	type policy struct {
		Target string `json:"deadLetterTargetArn"`
		Count  any    `json:"maxReceiveCount"` // a number, or one as a text
	}
	parse := func(v any) (p policy) {
		_ = json.Unmarshal([]byte(graph.Text(v)), &p) // what cannot be read has neither
		return p
	}
	if old == nil || now == nil {
		return fewer("messages that cannot be handled are no longer set aside")(old, now)
	}
	was, is := parse(old), parse(now)
	if was.Target != is.Target {
		return "messages that cannot be handled are set aside elsewhere"
	}
	return lower(0, "messages are set aside after %s attempts instead of %s")(was.Count, is.Count)
}

// indexes judges the indexes of a table.
func indexes(old, now any) string {
	was, _ := byName(graph.Items(old), "name")
	is, _ := byName(graph.Items(now), "name")
	var gone []string
	for name := range was {
		if is[name] == nil {
			gone = append(gone, code(name))
			continue
		}
		// What is not updated, the provider deletes and makes anew (internal/service/dynamodb/table.go, updateDiffGSI).
		for _, key := range []string{"hashKey", "rangeKey", "projectionType", "nonKeyAttributes"} {
			if !reflect.DeepEqual(graph.At(was[name], key), graph.At(is[name], key)) {
				gone = append(gone, code(name)+" until it is built anew")
				break
			}
		}
	}
	if len(gone) == 0 {
		return ""
	}
	slices.Sort(gone)
	return "queries by index " + strings.Join(few(gone), ", ") + " fail"
}

// tlsOf is the oldest version of TLS of a policy of Elastic Load Balancing, as 10 for 1.0; 0: not known
// (https://docs.aws.amazon.com/elasticloadbalancing/latest/application/describe-ssl-policies.html).
func tlsOf(policy string) int {
	m := regexp.MustCompile(`^ELBSecurityPolicy-(?:TLS13|TLS|FS)-1-([0-3])-`).FindStringSubmatch(policy)
	switch {
	case m != nil:
		return 10 + int(m[1][0]-'0')
	case policy == "ELBSecurityPolicy-2016-08", policy == "ELBSecurityPolicy-2015-05",
		policy == "ELBSecurityPolicy-FS-2018-06",
		policy == "ELBSecurityPolicy-TLS-1-0-2015-04":
		return 10
	}
	return 0
}

// olderCiphers and newerCiphers judge a policy of Elastic Load Balancing.
func olderCiphers(old, now any) string {
	was, is := tlsOf(graph.Text(old)), tlsOf(graph.Text(now))
	switch {
	case old == nil || was != 0 && is > was:
		return ""
	case is != 0 && is < was:
		return fmt.Sprintf("clients may use older versions of TLS (%s → %s)", orUnset(old), orUnset(now))
	}
	return fmt.Sprintf("other versions or ciphers of TLS are taken (%s → %s)", orUnset(old), orUnset(now))
}

func newerCiphers(old, now any) string {
	if was, is := tlsOf(graph.Text(old)), tlsOf(graph.Text(now)); was != 0 && is > was {
		return fmt.Sprintf("clients that know only older versions of TLS are refused (%s → %s)", orUnset(old),
			orUnset(now))
	}
	return ""
}

// filters judges the rules of a web ACL: those that are gone, that only count, that let more through.
func filters(old, now any) string {
	was, okBefore := byName(graph.Items(old), "name")
	is, okAfter := byName(graph.Items(now), "name")
	if !okBefore || !okAfter {
		return "other requests are filtered"
	}
	var found []string
	blocks := func(rule any) string {
		for _, path := range []string{"action", "overrideAction"} {
			m, _ := graph.At(rule, path).(map[string]any)
			for kind := range m {
				return kind
			}
		}
		return "none"
	}
	for name, before := range was {
		after := is[name]
		if after == nil {
			found = append(found, "rule "+code(name)+" is gone")
			continue
		}
		did, does := blocks(before), blocks(after)
		limit := "statement.rateBasedStatement.limit"
		more := higher(0, "rule "+code(name)+" lets through %s requests instead of %s")(graph.At(before, limit),
			graph.At(after, limit))
		switch {
		case did != does && (does == "count" || does == "allow"):
			found = append(found, fmt.Sprintf("rule %s no longer keeps requests out (%s → %s)", code(name), did, does))
		case more != "":
			found = append(found, more)
		case lower(0, "%s%s")(graph.At(before, limit), graph.At(after, limit)) != "":
			// told by tighter
		case did == does && fmt.Sprint(graph.At(before, "statement")) != fmt.Sprint(graph.At(after, "statement")):
			found = append(found, "rule "+code(name)+" filters other requests")
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// tighter judges the rules of a web ACL that let fewer requests through.
func tighter(old, now any) string {
	was, _ := byName(graph.Items(old), "name")
	is, _ := byName(graph.Items(now), "name")
	var found []string
	for name, before := range was {
		const limit = "statement.rateBasedStatement.limit"
		if is[name] == nil {
			continue
		}
		if less := lower(0, "rule "+code(name)+" lets through %s requests instead of %s")(graph.At(before, limit),
			graph.At(is[name], limit)); less != "" {
			found = append(found, less)
		}
	}
	slices.Sort(found)
	return strings.Join(few(found), "; ")
}

// newFilters judges what a web ACL newly keeps out.
func newFilters(old, now any) string {
	was, _ := byName(graph.Items(old), "name")
	is, _ := byName(graph.Items(now), "name")
	var come []string
	for name := range is {
		if was[name] == nil {
			come = append(come, code(name))
		}
	}
	if len(come) == 0 {
		return ""
	}
	slices.Sort(come)
	return "rule " + strings.Join(few(come), ", ") + " may keep out requests that are meant"
}

// entry is a rule of a network ACL for people.
func entry(e any) string {
	ports := graph.Text(graph.At(e, "fromPort"))
	if to := graph.Text(graph.At(e, "toPort")); to != ports {
		ports += "-" + to
	}
	protocol := graph.Text(graph.At(e, "protocol"))
	switch protocol {
	case "-1", "all":
		protocol, ports = "everything", ""
	case "6":
		protocol = "tcp"
	case "17":
		protocol = "udp"
	}
	peer := graph.Text(graph.At(e, "cidrBlock"))
	if peer == "" {
		peer = graph.Text(graph.At(e, "ipv6CidrBlock"))
	}
	return strings.TrimSpace(protocol+" "+ports) + " of " + code(peer)
}

// entries judges the rules of a network ACL that are allowed, or denied, on one side only.
func entries(action, means string, newly bool) judge {
	of := func(v any) []string {
		var found []string
		for _, e := range graph.Items(v) {
			if strings.EqualFold(graph.Text(graph.At(e, "action")), action) {
				found = append(found, entry(e))
			}
		}
		return found
	}
	return func(old, now any) string {
		from, other := of(old), of(now)
		if newly {
			from, other = other, from
		}
		from = slices.DeleteFunc(from, func(text string) bool { return slices.Contains(other, text) })
		if len(from) == 0 {
			return ""
		}
		return means + " " + strings.Join(few(from), ", ")
	}
}

// settings judges those of a parameter group: each by its name, those that protect connections by what they mean.
func settings(old, now any) string {
	was, _ := byName(graph.Items(old), "name")
	is, _ := byName(graph.Items(now), "name")
	names := map[string]bool{}
	for name := range was {
		names[name] = true
	}
	for name := range is {
		names[name] = true
	}
	var found, later []string
	for name := range names {
		before, after := graph.Text(graph.At(was[name], "value")), graph.Text(graph.At(is[name], "value"))
		if before == after {
			continue
		}
		text := fmt.Sprintf("%s (%s → %s)", code(name), orUnset(unset(before)), orUnset(unset(after)))
		if graph.Text(graph.At(is[name], "applyMethod")) == "pending-reboot" {
			later = append(later, text)
		} else {
			found = append(found, text)
		}
	}
	slices.Sort(found)
	slices.Sort(later)
	var said []string
	if len(found) > 0 {
		said = append(said, "the database works otherwise: "+strings.Join(few(found), ", "))
	}
	if len(later) > 0 {
		said = append(said, "the database works otherwise from its next restart on: "+strings.Join(few(later), ", "))
	}
	return strings.Join(said, "; ")
}

func unset(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// enciphered are the parameters that ask for encrypted connections: MySQL's and MariaDB's, PostgreSQL's.
var enciphered = []string{"require_secure_transport", "rds.force_ssl"}

// inTheClear judges parameters of databases by whether connections have to be encrypted.
func inTheClear(old, now any) string {
	asks := func(v any) bool {
		return slices.ContainsFunc(graph.Items(v), func(p any) bool {
			value := strings.ToLower(graph.Text(graph.At(p, "value")))
			return slices.Contains(enciphered, graph.Text(graph.At(p, "name"))) && (value == "1" || value == "on")
		})
	}
	if asks(old) && !asks(now) {
		return "connections need no encryption"
	}
	return ""
}

// weights judges the share of requests that a name leads to one of several.
func weights(old, now any) string {
	of := func(v any) (float64, bool) {
		for _, p := range graph.Items(v) {
			return graph.Number(graph.At(p, "weight"))
		}
		return 0, false
	}
	was, had := of(old)
	is, has := of(now)
	switch {
	case had && has && was > 0 && is == 0:
		return fmt.Sprintf("no requests are led here any longer (weight %s → 0)", plainNumber(was))
	case had || old != nil:
		return fmt.Sprintf("another share of requests is led here (weight %s → %s)", plainNumber(was), plainNumber(is))
	}
	return ""
}

// plainPaths judges the behaviors of a distribution: those that take requests without encryption.
func plainPaths(old, now any) string {
	open := func(v any) []string {
		var found []string
		for _, b := range graph.Items(v) {
			if graph.Text(graph.At(b, "viewerProtocolPolicy")) == "allow-all" {
				found = append(found, graph.Text(graph.At(b, "pathPattern")))
			}
		}
		return found
	}
	had := open(old)
	var come []string
	for _, path := range open(now) {
		if !slices.Contains(had, path) {
			come = append(come, code(path))
		}
	}
	if len(come) == 0 {
		return ""
	}
	return "connections for " + strings.Join(few(come), ", ") + " need no encryption"
}

// origins judges the sites whose pages may read the answers of a bucket.
func origins(old, now any) string {
	list := func(texts []string) []any {
		all := make([]any, len(texts))
		for i, text := range texts {
			all[i] = text
		}
		return all
	}
	return openOrigins(list(bucketOrigins(old)), list(bucketOrigins(now)))
}

// closedOrigins judges a list of origins that loses some; of a bucket, or another list, as of tells.
func closedOrigins(of func(v any) []string) judge {
	return func(old, now any) string {
		gone := without(slices.DeleteFunc(of(old), func(origin string) bool {
			return slices.ContainsFunc(of(now), func(o string) bool { return iam.Covers(o, origin) })
		}), nil)
		if len(gone) == 0 {
			return ""
		}
		return "pages of " + strings.Join(few(gone), ", ") + " may no longer use it"
	}
}

// bucketOrigins are the origins of a bucket's rules.
func bucketOrigins(v any) []string {
	var found []string
	for _, rule := range graph.Items(v) {
		found = append(found, graph.Texts(graph.At(rule, "allowedOrigins"))...)
	}
	return found
}

// openOrigins judges a list of origins.
func openOrigins(old, now any) string {
	switch {
	case slices.Contains(graph.Texts(old), "*"):
		return ""
	case slices.Contains(graph.Texts(now), "*"):
		return "pages of every site may use it"
	}
	return further("pages of %s may use it")(old, now)
}

// registry is where an image of a container comes from, and tag what of it is meant; a digest is none.
func registry(image string) (name, tag string) {
	if at := strings.IndexByte(image, '@'); at >= 0 {
		return image[:at], ""
	}
	slash := strings.LastIndexByte(image, '/')
	if colon := strings.LastIndexByte(image, ':'); colon > slash {
		return image[:colon], image[colon+1:]
	}
	return image, "latest"
}

// moving reports whether a container runs whatever its image is called at its start.
func moving(c map[string]any) bool {
	image, _ := c["image"].(string)
	_, tag := registry(image)
	return image != "" && tag == "latest"
}

// otherImages judges the containers of a task whose image is another one's, not another version.
func otherImages(old, now any) string {
	was, is := containersOf(old), containersOf(now)
	var found []string
	for name, c := range is {
		before, _ := was[name]["image"].(string)
		after, _ := c["image"].(string)
		from, _ := registry(before)
		to, _ := registry(after)
		if was[name] != nil && from != to {
			found = append(found, code(name))
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return "container " + strings.Join(few(found), ", ") + " runs an image of another repository"
}

// revealed judges the containers of a task that get in the clear what was a secret.
func revealed(old, now any) string {
	was, is := containersOf(old), containersOf(now)
	var found []string
	for name, c := range is {
		secret := map[string]bool{}
		for _, s := range graph.Items(was[name]["secrets"]) {
			secret[graph.Text(graph.At(s, "name"))] = true
		}
		for _, v := range graph.Items(c["environment"]) {
			if variable := graph.Text(graph.At(v, "name")); secret[variable] {
				found = append(found, code(variable))
			}
		}
	}
	if len(found) == 0 {
		return ""
	}
	slices.Sort(found)
	return "what was a secret stands in the clear in the task, where whoever may describe it reads it: " +
		strings.Join(few(found), ", ")
}

// containersOf are the containers of a task by their names; nil where they are not known.
func containersOf(v any) map[string]map[string]any {
	var list []map[string]any
	if json.Unmarshal([]byte(graph.Text(v)), &list) != nil {
		return nil
	}
	found := map[string]map[string]any{}
	for _, c := range list {
		name, _ := c["name"].(string)
		found[name] = c
	}
	return found
}

// rooted reports whether a container says that it runs as root.
func rooted(c map[string]any) bool {
	user, _ := c["user"].(string)
	user, _, _ = strings.Cut(user, ":")
	return user == "root" || user == "0"
}
