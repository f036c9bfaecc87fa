// Package drawing makes a picture of a resource graph: the tiers, who opens connections to whom and on which port, and
// what refers to what. Nothing in it is drawn by hand: connections are those of the graph's own table of who can reach
// whom, and references those that inputs and policies hold. The documentation's pictures and the plan import it.
//
// Of makes the model, Compare marks what differs from another one, and Drawing.Mermaid shows it.
package drawing

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"dossier.example/plan/graph"
)

// Area is where a node stands.
type Area string

// The areas, from outside inwards.
const (
	Outside  Area = "outside"
	Public   Area = "public"
	Private  Area = "private"
	Services Area = "services"
)

var areas = []Area{Outside, Public, Private, Services}

// Node is one part of the picture.
type Node struct {
	// ID is the same for as long as the program calls the part the same: lower-case letters, digits and underscores.
	ID   string
	Area Area
	// Lines are its text: what it is, then what is worth knowing of it.
	Lines []string
	// URNs are the resources that it stands for, sorted; none for what is outside.
	URNs []string
	// Read tells that the program only reads them: they are others'.
	Read bool
	// Mark is what a comparison found; Of sets none.
	Mark Mark
}

// Edge leads from one node to another.
type Edge struct {
	// From and To are ids of nodes.
	From, To string
	// Reference tells a reference (who writes, reads or watches) from a connection that rules and routes let through.
	Reference bool
	// Labels are sorted.
	Labels []string
	// Mark is what a comparison found; Of sets none.
	Mark Mark
}

// Drawing is the model of a picture.
type Drawing struct {
	// Ground is the title of the network, with its address block, and Titles those of the areas in it.
	Ground string
	Titles map[Area]string
	// Nodes are sorted by area and id, Edges by their ends.
	Nodes []Node
	Edges []Edge
}

// The nodes that are no resource of a network.
const (
	internet   = "internet"
	outgoing   = "outgoing"
	operators  = "operators"
	names      = "names"
	parameters = "parameters"
	watching   = "watching"
	told       = "told"
	s3         = "s3"
	dynamodb   = "dynamodb"
	users      = "users"
)

// reserved are the ids that no place has.
var reserved = []string{internet, outgoing, operators, names, parameters, watching, told, s3, dynamodb, users}

// buckets are the types of buckets.
var buckets = []string{"aws:s3/bucketV2:BucketV2", "aws:s3/bucket:Bucket"}

// Of makes the drawing of a graph.
func Of(g *graph.Graph) Drawing {
	d := &draft{graph: g, nodes: map[string]*Node{}, edges: map[[3]string][]string{}, placed: map[string]string{},
		places: g.Places(), ids: map[string]string{}, number: map[string]int{}}
	d.name()
	for _, p := range d.places {
		d.place(p)
	}
	d.service(s3, "S3", "bucket", buckets...)
	d.service(dynamodb, "DynamoDB", "table", "aws:dynamodb/table:Table")
	table := g.Reachability()
	for _, r := range table {
		if !implied(r, table) {
			d.connection(r)
		}
	}
	d.names()
	d.users()
	d.stores()
	d.watch()
	return d.drawing()
}

// draft collects the parts.
type draft struct {
	graph *graph.Graph
	nodes map[string]*Node
	// edges are the labels by from, to, and whether it is a reference.
	edges map[[3]string][]string
	// placed is the node of a resource, by URN.
	placed map[string]string
	// places are those of the graph, ids their nodes by name, number how many places a node that stands for several
	// has.
	places []graph.Place
	ids    map[string]string
	number map[string]int
}

func (d *draft) node(id string, area Area, lines ...string) *Node {
	if d.nodes[id] == nil {
		d.nodes[id] = &Node{ID: id, Area: area, Lines: lines}
	}
	return d.nodes[id]
}

func (d *draft) add(n *Node, resources ...*graph.Resource) {
	for _, r := range resources {
		if r != nil && !slices.Contains(n.URNs, r.URN) {
			n.URNs = append(n.URNs, r.URN)
			d.placed[r.URN] = n.ID
		}
	}
}

const reference = "reference"

func (d *draft) edge(from, to, kind, label string) {
	key := [3]string{from, to, kind}
	if labels := d.edges[key]; !slices.Contains(labels, label) {
		d.edges[key] = append(labels, label)
	}
}

// place draws what stands in a subnet. NATs of several zones have one name, so they are one node.
func (d *draft) place(p graph.Place) {
	g, r := d.graph, p.Resource
	n := d.node(d.ids[p.Name], d.area(p))
	d.add(n, r)
	d.number[n.ID]++
	switch p.Kind {
	case graph.KindLoadBalancer:
		n.Lines = []string{capital(p.Name)}
		for _, acl := range g.ByType("aws:wafv2/webAclAssociation:WebAclAssociation") {
			if g.Refers(acl.Input("resourceArn"), r) {
				n.Lines = append(n.Lines, "behind AWS WAF")
				d.add(n, acl)
			}
		}
		for _, l := range g.ByType("aws:lb/listener:Listener") {
			if g.Refers(l.Input("loadBalancerArn"), r) {
				d.add(n, l)
			}
		}
		d.add(n, g.TargetGroups(r)...)
	case graph.KindGroup:
		template := g.LaunchTemplate(r)
		n.Lines = []string{capital(p.Name), fmt.Sprintf("%s to %s instances", graph.Text(r.Input("minSize")),
			graph.Text(r.Input("maxSize")))}
		if template != nil {
			n.Lines = append(n.Lines, graph.Text(template.Input("instanceType")))
		}
		d.add(n, template)
	case graph.KindNAT:
		n.Lines = []string{"NAT instance", graph.Text(r.Input("instanceType"))}
		if r.Token == "aws:ec2/natGateway:NatGateway" {
			n.Lines = []string{"NAT gateway"}
		}
		if len(n.URNs) > 1 {
			n.Lines[0] = fmt.Sprintf("%d × %s", len(n.URNs), n.Lines[0])
		}
	case graph.KindDatabase:
		n.Lines = []string{capital(p.Name),
			strings.TrimSpace(graph.Text(r.Input("engine")) + " " + graph.Text(r.Input("engineVersion"))),
			graph.Text(r.Input("instanceClass"))}
		if graph.Is(r.Input("multiAz"), true) {
			n.Lines = append(n.Lines, "with a standby in another zone")
		}
		d.add(n, g.Resolve(r.Input("parameterGroupName"), "aws:rds/parameterGroup:ParameterGroup"),
			g.Resolve(r.Input("dbSubnetGroupName"), "aws:rds/subnetGroup:SubnetGroup"))
	case graph.KindInstance:
		n.Lines = []string{capital(p.Name) + " server", graph.Text(r.Input("instanceType"))}
	default:
		n.Lines = []string{capital(string(p.Kind)) + " " + r.Name}
	}
	if n.ID == crowd(p.Kind, n.Area) {
		n.Lines = []string{counted(d.number[n.ID], string(p.Kind))}
	}
}

// service draws what is reached outside the network, where there is any of it: each, or how many where there are many.
func (d *draft) service(id, title, each string, tokens ...string) {
	found := d.graph.ByType(tokens...)
	if len(found) == 0 {
		return
	}
	n := d.node(id, Services, title)
	plans, scanned := d.graph.ByType("aws:guardduty/malwareProtectionPlan:MalwareProtectionPlan"), 0
	var lines []string
	for _, r := range found {
		line := strings.TrimPrefix(r.Name, d.graph.Project+"-")
		for _, plan := range plans {
			if d.graph.Refers(plan.Input("protectedResource.s3Bucket.bucketName"), r) {
				line += ", scanned by GuardDuty"
				scanned++
				d.add(n, plan)
			}
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	if len(lines) > mostLines {
		lines = []string{counted(len(found), each)}
		if scanned > 0 {
			lines = append(lines, fmt.Sprintf("%d scanned by GuardDuty", scanned))
		}
	}
	n.Lines = append(n.Lines, lines...)
	d.add(n, found...)
}

// implied tells what a picture need not repeat: what anyone on the internet reaches, whoever reaches the internet does
// too.
func implied(r graph.Reach, table []graph.Reach) bool {
	return r.From != graph.Internet && slices.ContainsFunc(table, func(other graph.Reach) bool {
		return other.From == graph.Internet && other.To == r.To && other.Protocol == r.Protocol &&
			other.Ports == r.Ports
	}) && slices.ContainsFunc(table, func(other graph.Reach) bool {
		return other.From == r.From && other.To == graph.Internet
	})
}

// connection draws one line of the table of who can reach whom. What passes through a NAT leads to the NAT, and from
// there on by the line of the NAT's own.
func (d *draft) connection(r graph.Reach) {
	label := r.Ports
	switch {
	case r.Protocol != "tcp" && r.Protocol != "udp":
		label = r.Protocol
	case r.Protocol == "udp" || r.Ports == "all":
		label = r.Protocol + " " + r.Ports
	}
	for via := range strings.SplitSeq(r.Via, "; ") {
		from, to, shown := d.at(r.From), d.at(r.To), label
		for _, by := range []string{"listener ", "target group "} {
			// Such as "internet gateway, listener HTTPS 443".
			if _, served, ok := strings.Cut(via, by); ok {
				shown = served
			}
		}
		switch r.From {
		case graph.Internet:
			from = d.node(internet, Outside, "Internet").ID
		case graph.Operators:
			n := d.node(operators, Outside, "Operators")
			if block, _, ok := strings.Cut(via, " "); ok {
				n.say(block)
			}
			from = n.ID
		}
		switch {
		case strings.HasPrefix(via, "NAT ") && d.nodes[id(string(graph.KindNAT))] != nil:
			to = id(string(graph.KindNAT))
		case r.To == graph.Internet:
			to = d.node(outgoing, Outside, "Internet", "other AWS services, packages").ID
		case strings.HasPrefix(via, "gateway endpoint"):
			shown += " by gateway endpoint"
		}
		// A service that is reached but of which the stack has nothing, or a prefix list.
		d.node(to, Services, r.To)
		d.node(from, Services, r.From)
		d.edge(from, to, "", shown)
	}
}

// names draws the records that lead to a load balancer.
func (d *draft) names() {
	for _, r := range d.graph.ByType("aws:route53/record:Record") {
		for _, urn := range r.PropertyDependencies["aliases"] {
			if to := d.placed[urn]; to != "" {
				n := d.node(names, Services, "Route 53")
				n.say(graph.Text(r.Input("name")))
				d.add(n, r)
				d.edge(n.ID, to, reference, "name")
			}
		}
	}
}

// users draws user pools, and the sites that they sign people in to.
func (d *draft) users() {
	d.service(users, "Cognito", "user pool", "aws:cognito/userPool:UserPool")
	if d.nodes[users] == nil {
		return
	}
	for _, client := range d.graph.ByType("aws:cognito/userPoolClient:UserPoolClient") {
		d.add(d.nodes[users], client)
		for _, address := range graph.Texts(client.Input("callbackUrls")) {
			_, rest, _ := strings.Cut(address, "://")
			host, _, _ := strings.Cut(rest, "/")
			for _, record := range d.graph.ByType("aws:route53/record:Record") {
				if to := d.placed[record.URN]; to != "" && graph.Text(record.Input("name")) == host {
					d.edge(users, to, reference, "signs in to")
				}
			}
		}
	}
}

// stores draws what places read and write beside what they connect to, by their roles' policies and by their own
// inputs.
func (d *draft) stores() {
	g := d.graph
	if all := g.ByType("aws:ssm/parameter:Parameter"); len(all) > 0 {
		secret := 0
		for _, r := range all {
			if r.Input("type") == "SecureString" {
				secret++
			}
		}
		d.add(d.node(parameters, Services, "Parameter Store",
			fmt.Sprintf("%d parameters, %d of them secret", len(all), secret)), all...)
	}
	logs := g.ByType("aws:cloudwatch/logGroup:LogGroup")
	if len(logs) > 0 {
		d.add(d.node(watching, Services, "CloudWatch"), logs...)
	}
	for _, p := range d.places {
		from, actions := d.ids[p.Name], d.actions(p.Resource)
		if d.nodes[parameters] != nil && slices.ContainsFunc(actions, func(a string) bool {
			return strings.HasPrefix(a, "ssm:GetParameter")
		}) {
			d.edge(from, parameters, reference, "reads")
		}
		if len(logs) > 0 &&
			(slices.Contains(actions, "logs:PutLogEvents") ||
				len(graph.Items(p.Resource.Input("enabledCloudwatchLogsExports"))) > 0) {
			d.edge(from, watching, reference, "logs")
		}
		if bucket := g.Resolve(p.Resource.Input("accessLogs.bucket"), buckets...); bucket != nil {
			d.edge(from, d.placed[bucket.URN], reference, "access logs")
		}
	}
}

// watch draws alarms: what they watch and whom they tell.
func (d *draft) watch() {
	g := d.graph
	alarms, dashboards := g.ByType("aws:cloudwatch/metricAlarm:MetricAlarm"),
		g.ByType("aws:cloudwatch/dashboard:Dashboard")
	if len(alarms)+len(dashboards) > 0 {
		n := d.node(watching, Services, "CloudWatch")
		n.Lines = append(n.Lines, counted(len(alarms), "alarm"), counted(len(dashboards), "dashboard"))
		d.add(n, alarms...)
		d.add(n, dashboards...)
	}
	for _, topic := range g.ByType("aws:sns/topic:Topic") {
		d.add(d.node(told, Services, "SNS"), topic)
	}
	tell := func(target any, what string) {
		if topic := g.Resolve(target, "aws:sns/topic:Topic"); topic != nil {
			d.edge(d.node(watching, Services, "CloudWatch").ID, told, reference, what)
		}
	}
	for _, a := range alarms {
		for _, urn := range append(a.PropertyDependencies["dimensions"], a.PropertyDependencies["metricQueries"]...) {
			if from := d.placed[urn]; from != "" {
				d.edge(from, watching, reference, "metrics")
			}
		}
		for _, action := range graph.Items(a.Input("alarmActions")) {
			tell(action, "alarms")
		}
	}
	for _, target := range g.ByType("aws:cloudwatch/eventTarget:EventTarget") {
		tell(target.Input("arn"), "events")
	}
	for _, s := range g.ByType("aws:sns/topicSubscription:TopicSubscription") {
		if topic := g.Resolve(s.Input("topic"), "aws:sns/topic:Topic"); topic != nil {
			n := d.node(told, Services, "SNS")
			n.say("to " + graph.Text(s.Input("protocol")))
			d.add(n, s)
		}
	}
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// drawing sorts.
func (d *draft) drawing() Drawing {
	out := Drawing{Titles: map[Area]string{}}
	for _, n := range d.nodes {
		slices.Sort(n.URNs)
		n.Read = len(n.URNs) > 0 && !slices.ContainsFunc(n.URNs, func(urn string) bool {
			return !d.graph.ByURN(urn).Read
		})
		n.shorten()
		out.Nodes = append(out.Nodes, *n)
	}
	slices.SortFunc(out.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(slices.Index(areas, a.Area), slices.Index(areas, b.Area)), cmp.Compare(a.ID, b.ID))
	})
	for key, labels := range d.edges {
		slices.Sort(labels)
		out.Edges = append(out.Edges, Edge{From: key[0], To: key[1], Reference: key[2] == reference, Labels: labels})
	}
	slices.SortFunc(out.Edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To),
			cmp.Compare(fmt.Sprint(a.Reference), fmt.Sprint(b.Reference)))
	})
	var blocks []string
	for _, vpc := range d.graph.ByType("aws:ec2/vpc:Vpc") {
		blocks = append(blocks, graph.Text(vpc.Input("cidrBlock")))
	}
	out.Ground = strings.TrimSpace("VPC " + strings.Join(blocks, ", "))
	zones, unknown := map[Area][]string{}, map[Area]bool{}
	for _, s := range d.graph.ByType("aws:ec2/subnet:Subnet") {
		area := Private
		if d.graph.Public(s) {
			area = Public
		}
		switch zone := graph.Text(s.Input("availabilityZone")); {
		case zone == "": // AWS chooses one, or what chooses is not known
			unknown[area] = true
		case !slices.Contains(zones[area], zone):
			zones[area] = append(zones[area], zone)
		}
	}
	for _, area := range []Area{Public, Private} {
		out.Titles[area] = capital(string(area)) + " subnets"
		if !unknown[area] {
			out.Titles[area] += " in " + counted(len(zones[area]), "zone")
		}
	}
	return out
}

// id makes an id of a name: letters of other alphabets are written out.
func id(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case unicode.IsLetter(r), unicode.IsDigit(r):
			fmt.Fprintf(&b, "_%x", r)
		default:
			b.WriteByte('_')
		}
	}
	return b.String()
}

func capital(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[size:]
}
