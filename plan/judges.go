package plan

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
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

// whenNew judges the new value alone.
func whenNew(means string, is func(now any) bool) judge {
	return func(_, now any) string {
		if is(now) {
			return means
		}
		return ""
	}
}

// ends judges what no longer holds of a value, and begins what newly does.
func ends(means string, holds func(v any) bool) judge {
	return func(old, now any) string {
		if holds(old) && !holds(now) {
			return means
		}
		return ""
	}
}

func begins(means string, holds func(v any) bool) judge {
	return func(old, now any) string { return ends(means, holds)(now, old) }
}

// beyond judges lists of which more differs than what is at some paths of their elements, that others judge.
func beyond(judged ...string) judge {
	rest := func(v any) map[string]any {
		found := map[string]any{}
		graph.Walk("", v, func(at string, v any) {
			path := strings.TrimPrefix(position.ReplaceAllString(at, ""), ".")
			if !slices.Contains(judged, path) {
				found[at] = v
			}
		})
		return found
	}
	return func(old, now any) string {
		if reflect.DeepEqual(rest(old), rest(now)) {
			return ""
		}
		return "nothing here judges what else changes in them"
	}
}

// otherScript judges what hosts run at their start, where more of it differs than checksums, which name other releases.
func otherScript(old, now any) string {
	text := func(v any) string {
		said := graph.Text(v)
		if raw, err := base64.StdEncoding.DecodeString(said); err == nil {
			said = string(raw)
		}
		return checksum.ReplaceAllString(said, "")
	}
	if old != graph.Secret && text(old) == text(now) {
		return ""
	}
	return "what its instances do at their start is not known here"
}

var checksum = regexp.MustCompile(`\b[0-9a-f]{12,}\b`)

// hasIPv6 is of network interfaces, one of which gets an address of IPv6.
func hasIPv6(v any) bool {
	return slices.ContainsFunc(graph.Items(v), func(e any) bool {
		n, _ := graph.Number(graph.At(e, "ipv6AddressCount"))
		return n > 0 || !empty(graph.At(e, "ipv6Addresses"))
	})
}

// apartFromOthers is what is paid for hardware that nobody else uses
// (https://aws.amazon.com/ec2/pricing/dedicated-instances/).
const apartFromOthers = "it runs on hardware of its own, for which AWS asks more"

// otherArchitecture tells that instances are of a type for whose processor their image is not, where it is the same
// (https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html); empty: they are not.
func otherArchitecture(old, now *graph.Resource) string {
	for _, image := range []string{"ami", "imageId"} {
		if !reflect.DeepEqual(old.Input(image), now.Input(image)) {
			return ""
		}
	}
	was, is := old.Input("instanceType"), now.Input("instanceType")
	if !strings.Contains(graph.Text(was), ".") || !strings.Contains(graph.Text(is), ".") || arm(was) == arm(is) {
		return ""
	}
	return fmt.Sprintf("its image is for %s, which AWS does not start on a type of %s (%s: %s → %s)",
		processor(was), processor(is), code("instanceType"), was, is)
}

// processor is what images for a type of instances are for.
func processor(instanceType any) string {
	if arm(instanceType) {
		return "arm64"
	}
	return "x86_64"
}

// some is a judge of a value for each of a list.
func (j judge) some() judge {
	return func(old, now any) string {
		for _, v := range graph.Items(now) {
			if why := j(nil, v); why != "" {
				return why
			}
		}
		return ""
	}
}

// come judges what a list newly has, as of makes texts of it.
func come(of func(v any) []string, means string) judge {
	return func(old, now any) string { return told(means, few(without(of(now), of(old)))) }
}

// oneSided judges the texts of a list that no text of the other side covers: new ones, or those that are gone.
func oneSided(means string, newly bool, of func(v any) []string, covers func(other, text string) bool) judge {
	return func(old, now any) string {
		list, others := of(old), of(now)
		if newly {
			list, others = others, list
		}
		list = slices.DeleteFunc(list, func(text string) bool {
			return slices.ContainsFunc(others, func(other string) bool { return other == text || covers(other, text) })
		})
		return told(means, few(without(list, nil)))
	}
}

// told puts a list into what is said of it; of nothing, nothing is said.
func told(means string, list []string) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf(means, strings.Join(list, ", "))
}

// isGiven and isAbsent are of an input, and someWith of a list, one of whose elements has that text at a path.
func isGiven(v any) bool  { return v != nil }
func isAbsent(v any) bool { return v == nil }
func someWith(path, text string) func(v any) bool {
	return func(v any) bool { return slices.ContainsFunc(graph.Items(v), withText(path, text)) }
}

// withText is of an element that has one of some texts at a path, or, where there are none, any.
func withText(path string, texts ...string) func(e any) bool {
	return func(e any) bool {
		text := graph.Text(graph.At(e, path))
		return slices.Contains(texts, text) || len(texts) == 0 && text != ""
	}
}

// textsAt are the texts at a path of the elements of a list, of those only of which keep holds.
func textsAt(path string, keep ...func(e any) bool) func(v any) []string {
	return func(v any) []string {
		var found []string
		for _, e := range graph.Items(v) {
			if len(keep) == 0 || keep[0](e) {
				found = append(found, graph.Text(graph.At(e, path)))
			}
		}
		return found
	}
}

// named reports whether the elements of two lists are known by their names.
func named(key string, old, now any) bool {
	_, before := byName(graph.Items(old), key)
	_, after := byName(graph.Items(now), key)
	return before && after
}

// byEach judges two lists of named things, name by name; nil is what one of them lacks. A list in which names are
// missing, or stand twice, has none.
func byEach(key string, old, now any, judge func(name string, was, is any) []string) []string {
	before, _ := byName(graph.Items(old), key)
	after, _ := byName(graph.Items(now), key)
	names := maps.Clone(after)
	if names == nil {
		names = map[string]any{}
	}
	maps.Copy(names, before)
	var found []string
	for name := range names {
		found = append(found, slices.DeleteFunc(judge(code(name), before[name], after[name]), func(said string) bool {
			return said == ""
		})...)
	}
	slices.Sort(found)
	return found
}

// goneOr judges a value that was there, and was not empty: that nothing takes its place, or another one does.
func goneOr(gone, another string) judge {
	return func(old, now any) string {
		switch {
		case empty(old):
			return ""
		case empty(now):
			return gone
		}
		return another
	}
}

// anotherKey judges the key that something is encrypted by. Without one a service does so by its own key, whose name is
// others; empty: it does not encrypt.
func anotherKey(what, others string) judge {
	gone := what + " encrypted by " + others + " own key"
	if others == "" {
		gone = what + " no longer encrypted by a key"
	}
	return goneOr(gone, what+" encrypted by another key")
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
func further(means string) judge { return come(graph.Texts, means) }

// foreignRegistry finds a registry of images of an account, wherever a text names it.
var foreignRegistry = regexp.MustCompile(`\b(\d{12})\.dkr[.-]ecr\b`)

// ownRegistries are the accounts of AWS's own that have images for everyone, in any region: those of EKS's add-ons
// (https://docs.aws.amazon.com/eks/latest/userguide/add-ons-images.html) and of the deep learning containers
// (internal/service/sagemaker/prebuilt_ecr_image_data_source.go of
// https://github.com/hashicorp/terraform-provider-aws).
var ownRegistries = strings.Fields("602401143452 013241004608 066635153087 121268973566 151610086707 151742754352 " +
	"187977181151 296578399912 333609536671 455263428931 491585149902 533267051163 558608220178 590381155156 " +
	"608367168043 725322719131 730335286997 759879836304 761377655185 800184023465 877085696533 900612956339 " +
	"900889452093 918309763551 961992271922 " +
	"763104351884 094389454867 204538143572 217643126080 364406365360 380420809688 442386744353 446045086412 " +
	"457447274322 626614931356 692866216735 727897471807 772153158452 871362719292 886529160074 907027046896 " +
	"914824155844")

// foreignARN finds the account of an ARN, wherever a text has one.
var foreignARN = regexp.MustCompile(`\barn:[a-z-]+:[a-z0-9-]+:[a-z0-9-]*:(\d{12}):`)

// foreignAccounts are those of all registries of images and all ARNs of a text that are not the stack's own nor AWS's.
func foreignAccounts(text string) []string {
	var found []string
	for _, form := range []*regexp.Regexp{foreignRegistry, foreignARN} {
		for _, m := range form.FindAllStringSubmatch(text, -1) {
			if m[1] != awsmodel.Account && !slices.Contains(ownRegistries, m[1]) && !slices.Contains(found, m[1]) {
				found = append(found, m[1])
			}
		}
	}
	return found
}

// foreignAccount is the account of an ARN, or of the first registry of images, that is not the stack's own nor AWS's;
// empty: there is none.
func foreignAccount(arn string) string {
	for _, of := range foreignRegistry.FindAllStringSubmatch(arn, -1) {
		if of[1] != awsmodel.Account && !slices.Contains(ownRegistries, of[1]) {
			return of[1]
		}
	}
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || parts[0] != "arn" || parts[4] == "" || parts[4] == "aws" || parts[4] == awsmodel.Account {
		return ""
	}
	return parts[4]
}

// toForeigner judges where something is sent: to a foreign account, or to an address outside that is not the program's.
func toForeigner(means string) judge {
	who := func(v any) string {
		text := graph.Text(v)
		if account := foreignAccount(text); account != "" && !strings.Contains(account, "{") {
			return "the foreign account " + code(account)
		}
		_, host, is := strings.Cut(text, "://")
		host, _, _ = strings.Cut(host, "/")
		if !is || !strings.HasPrefix(text, "http") || strings.Contains(host, "{") {
			return ""
		}
		return code(cut(host, longest)) + ", outside"
	}
	return func(old, now any) string {
		if who(now) == "" || who(now) == who(old) {
			return ""
		}
		return means + " " + who(now)
	}
}

// scripted are the dangers of commands that go, or make room for new ones: they run what they have for that
// (https://www.pulumi.com/registry/packages/command/api-docs/local/command/).
func scripted(e *Environment, base *graph.Graph) []Danger {
	if base == nil {
		return nil
	}
	var found []Danger
	for _, c := range e.Changes {
		old := before(base, c)
		if c.Type != commandHere && c.Type != commandThere || c.Kept || c.Action != Delete && c.Action != Replace ||
			old == nil || old.Input("delete") == nil {
			continue
		}
		found = append(found, c.danger(notJudged,
			" runs its script %s when it goes: what that does on its machine is not "+
				"known here.", code("delete")))
	}
	return found
}

// runsForLess judges the values for which a command runs again, by how many there are.
func runsForLess(old, now any) string {
	if len(graph.Items(now)) >= len(graph.Items(old)) {
		return ""
	}
	return fmt.Sprintf("it no longer runs again for some of what it ran for (%d of %d)",
		len(graph.Items(old))-len(graph.Items(now)), len(graph.Items(old)))
}

// foreignLayers judges layers of a function: what is in them runs with its rights.
func foreignLayers(old, now any) string {
	var had, come []string
	for _, text := range graph.Texts(old) {
		had = append(had, foreignAccount(text))
	}
	for _, text := range graph.Texts(now) {
		if account := foreignAccount(text); account != "" && !slices.Contains(had, account) {
			come = append(come, code(account))
		}
	}
	return told("code of the foreign account %s runs in it, with its rights", few(come))
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
	return told("queries by index %s fail", few(byEach("name", old, now, func(name string, was, is any) []string {
		// What is not updated, the provider deletes and makes anew (internal/service/dynamodb/table.go, updateDiffGSI).
		differs := func(key string) bool { return !reflect.DeepEqual(graph.At(was, key), graph.At(is, key)) }
		switch {
		case was == nil:
			return nil
		case is == nil:
			return []string{name}
		case slices.ContainsFunc([]string{"hashKey", "rangeKey", "projectionType", "nonKeyAttributes"}, differs):
			return []string{name + " until it is built anew"}
		}
		return nil
	})))
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
		return told(means+" %s", few(slices.DeleteFunc(from, func(text string) bool {
			return slices.Contains(other, text)
		})))
	}
}

// settings judges those of a parameter group: each by its name, those that protect connections by what they mean.
func settings(old, now any) string {
	var later []string
	found := byEach("name", old, now, func(name string, was, is any) []string {
		before, after := graph.Text(graph.At(was, "value")), graph.Text(graph.At(is, "value"))
		if name == code(eviction) {
			before, after = cmp.Or(before, evictsFirst), cmp.Or(after, evictsFirst)
		}
		text := fmt.Sprintf("%s (%s → %s)", name, orUnset(unset(before)), orUnset(unset(after)))
		switch {
		case before == after:
			return nil
		case graph.Text(graph.At(is, "applyMethod")) == "pending-reboot":
			later = append(later, text)
			return nil
		}
		return []string{text}
	})
	slices.Sort(later)
	return sentences(told("its engine works otherwise: %s", few(found)),
		told("its engine works otherwise from its next restart on: %s", few(later)))
}

// sentences are two sentences, of which each may be empty.
func sentences(one, other string) string {
	if one == "" || other == "" {
		return one + other
	}
	return one + "; " + other
}

func unset(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// enciphered are the parameters that ask for encrypted connections: MySQL's and MariaDB's, PostgreSQL's, DocumentDB's,
// Neptune's, Redshift's.
var enciphered = []string{"require_secure_transport", "rds.force_ssl", "tls", "neptune_enforce_ssl", "require_ssl"}

// asksForEncryption reports whether parameters of databases say that connections have to be encrypted.
func asksForEncryption(v any) bool {
	return slices.ContainsFunc(graph.Items(v), func(p any) bool {
		value := strings.ToLower(graph.Text(graph.At(p, "value")))
		return slices.Contains(enciphered, graph.Text(graph.At(p, "name"))) && slices.Contains(
			[]string{"1", "on", "true", "enabled", "tls1.2+", "tls1.3+", "fips-140-3"}, value)
	})
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
	return oneSided("pages of %s may no longer use it", false, of, iam.Covers)
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

// host is the registry that a repository of images is in.
func host(repository string) string {
	first, _, is := strings.Cut(repository, "/")
	if !is || !strings.ContainsAny(first, ".:") && first != "localhost" {
		return "docker.io"
	}
	return first
}

// otherImages judges the containers of a task whose image is another one's, not another version, and new ones whose
// image comes from where none did.
func otherImages(old, now any) string {
	was, is := containersOf(old), containersOf(now)
	image := func(c map[string]any) string {
		text, _ := c["image"].(string)
		name, _ := registry(text)
		return name
	}
	hosts := map[string]bool{}
	for _, c := range was {
		hosts[host(image(c))] = true
	}
	var found, come []string
	for name, c := range is {
		switch {
		case was[name] != nil && image(was[name]) != image(c):
			found = append(found, code(name))
		case was[name] == nil && was != nil && !hosts[host(image(c))]:
			come = append(come, code(name)+" (from "+code(cut(host(image(c)), longest))+")")
		}
	}
	slices.Sort(found)
	slices.Sort(come)
	return sentences(told("container %s runs an image of another repository", few(found)),
		told("container %s is new, and its code gets the rights of the task", few(come)))
}

// anotherRepository judges the image of a function.
func anotherRepository(old, now any) string {
	from, _ := registry(graph.Text(old))
	to, _ := registry(graph.Text(now))
	if old == nil || now == nil || from == to {
		return ""
	}
	return "it runs an image of another repository"
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
	slices.Sort(found)
	return told("what was a secret stands in the clear in the task, where whoever may describe it reads it: %s",
		few(found))
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
