package prices

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"dossier.example/plan/graph"
)

var computeRules = map[string]func(*biller, *graph.Resource){
	"aws:ec2/instance:Instance": func(b *biller, r *graph.Resource) {
		b.instance(r, r, 1)
		b.volume(r, r.Input("rootBlockDevice"), 1)
		for _, device := range graph.Items(r.Input("ebsBlockDevices")) {
			b.volume(r, device, 1)
		}
	},
	"aws:autoscaling/group:Group": (*biller).group,
	"aws:ebs/volume:Volume": func(b *biller, r *graph.Resource) {
		b.disk(r, graph.Text(r.Input("type")), r.Input("size"), r.Input("iops"), r.Input("throughput"), 1)
	},
	"aws:ecs/service:Service":     (*biller).service,
	"aws:eks/cluster:Cluster":     func(b *biller, r *graph.Resource) { b.hourly(r, "EKS cluster", 1, "eks/cluster") },
	"aws:eks/nodeGroup:NodeGroup": (*biller).nodes,
	"aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig": func(b *biller, r *graph.Resource) {
		b.unpriced(r, "concurrency that is kept ready")
	},
}

// addresses finds who has a public address. An instance with an Elastic IP has no other one, and that is a resource of
// its own.
func (b *biller) addresses() {
	elastic := map[string]bool{}
	for _, r := range b.graph.ByType("aws:ec2/eipAssociation:EipAssociation", "aws:ec2/eip:Eip") {
		for _, path := range []string{"instanceId", "instance"} {
			if i := b.graph.Resolve(r.Input(path), "aws:ec2/instance:Instance"); i != nil {
				elastic[i.URN] = true
			}
		}
	}
	for _, p := range b.graph.Places() {
		b.public[p.Resource.URN] = p.PublicIP && !elastic[p.Resource.URN]
	}
}

// instance adds number instances of r, of the type that spec names.
func (b *biller) instance(r, spec *graph.Resource, number float64) {
	if b.public[r.URN] {
		b.hourly(r, "public IPv4 address", number, "ipv4")
	}
	b.machine(r, spec, number)
}

// machine adds the machines themselves. What a table has is for Linux, in the usual tenancy.
func (b *biller) machine(r, spec *graph.Resource, number float64) {
	kind := graph.Text(spec.Input("instanceType"))
	tenancy := cmp.Or(graph.Text(spec.Either("tenancy")), graph.Text(spec.Input("placement.tenancy")))
	switch {
	case tenancy != "" && tenancy != "default":
		b.unpriced(r, fmt.Sprintf("%sinstance type %q of tenancy %s", times(number), kind, tenancy))
		return
	case spec.Input("instanceMarketOptions") != nil || spec.Input("spotPrice") != nil:
		b.unpriced(r, fmt.Sprintf("%sinstance type %q as a spot instance", times(number), kind))
		return
	case number == 0:
		return
	}
	if price, ok := b.price(r, "ec2/"+kind, fmt.Sprintf("%sinstance type %q", times(number), kind)); ok {
		b.add(r, fmt.Sprintf("%sinstance %s, $%g per hour", times(number), kind, price), number*price*Hours)
	}
}

// volume adds number volumes of an instance's block device, whose kind AWS, or the image, decides where it is not told.
func (b *biller) volume(r *graph.Resource, volume any, number float64) {
	b.disk(r, graph.Text(graph.At(volume, "volumeType")), graph.At(volume, "volumeSize"), graph.At(volume, "iops"),
		graph.At(volume, "throughput"), number)
}

// What the price of a gp3 volume includes, and from where operations of an io2 volume cost less:
// https://aws.amazon.com/ebs/pricing/
const (
	gp3IOPS       = 3000
	gp3Throughput = 125 // MiB a second
	io2Tier       = 32000
)

// disk adds number volumes. Size, operations a second and MiB a second are inputs.
func (b *biller) disk(r *graph.Resource, kind string, size, iops, throughput any, number float64) {
	gb, known := graph.Number(size)
	unknown := func() {
		b.lacks(r, times(number)+"volume that is not a gp3 of known size and usual speed")
	}
	operations, hasOperations := graph.Number(iops)
	speed, hasSpeed := graph.Number(throughput)
	if kind == "" || !known || iops != nil && !hasOperations || throughput != nil && !hasSpeed {
		unknown()
		return
	}
	var more, faster float64
	switch kind {
	case "gp3":
		more, faster = max(0, operations-gp3IOPS), max(0, speed-gp3Throughput)
	case "io1", "io2":
		if !hasOperations || operations > io2Tier && kind == "io2" {
			unknown()
			return
		}
		more = operations
	case "gp2", "st1", "sc1":
	default: // "standard" pays for each operation, too
		unknown()
		return
	}
	if number == 0 {
		return
	}
	region := b.graph.Region(r, b.region)
	for _, key := range []string{"ebs/" + kind, "ebs/" + kind + "/iops", "ebs/" + kind + "/throughput"} {
		needed := map[string]bool{"iops": more > 0, "throughput": faster > 0}
		if last := key[strings.LastIndexByte(key, '/')+1:]; last != kind && !needed[last] {
			continue
		}
		if b.table.Price(region, key) == 0 {
			unknown()
			return
		}
	}
	b.stored(r, number*gb, "GB", kind+" volumes", "ebs/"+kind)
	b.stored(r, number*more, "IOPS", kind+" volumes", "ebs/"+kind+"/iops")
	b.stored(r, number*faster, "MiB a second", kind+" volumes", "ebs/"+kind+"/throughput")
}

func (b *biller) group(r *graph.Resource) {
	size, ok := graph.Number(r.Input("minSize"))
	template := b.graph.LaunchTemplate(r)
	if template == nil {
		template = b.graph.Resolve(r.Input("launchConfiguration"), "aws:ec2/launchConfiguration:LaunchConfiguration")
	}
	if !ok || template == nil || r.Input("mixedInstancesPolicy") != nil {
		b.unpriced(r, "a group of unknown size or template, or of several types")
		return
	}
	b.instance(r, template, size)
	if graph.Is(template.Input("monitoring.enabled"), true) {
		b.count(r).detailed += instanceMetrics * int(size)
	}
	devices := graph.Items(template.Input("blockDeviceMappings"))
	volumes := make([]any, 0, len(devices))
	for _, device := range devices {
		volumes = append(volumes, graph.At(device, "ebs"))
	}
	if template.Token == "aws:ec2/launchConfiguration:LaunchConfiguration" {
		volumes = slices.Concat(graph.Items(template.Input("rootBlockDevice")),
			graph.Items(template.Input("ebsBlockDevices")))
	}
	if len(volumes) == 0 {
		volumes = []any{nil}
	}
	for _, volume := range volumes {
		b.volume(r, volume, size)
	}
}

// nodes adds a group of EKS's nodes, of its smallest size. What it does not say is EKS's:
// https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html
func (b *biller) nodes(r *graph.Resource) {
	size, ok := graph.Number(r.Input("scalingConfig.minSize"))
	kinds := graph.Texts(r.Input("instanceTypes"))
	switch {
	case !ok || r.Input("launchTemplate") != nil || len(kinds) > 1 ||
		r.Input("instanceTypes") != nil && len(kinds) == 0:
		b.unpriced(r, "a group of unknown size or template, or of several types")
		return
	case graph.Text(r.Input("capacityType")) == "SPOT":
		b.unpriced(r, times(size)+"spot instance")
		return
	case strings.Contains(graph.Text(r.Input("amiType")), "WINDOWS"):
		b.unpriced(r, times(size)+"instance of Windows")
		return
	}
	kinds = append(kinds, "t3.medium")
	gb, ok := number(r, "diskSize", 20)
	b.hourly(r, "instance "+kinds[0], size, "ec2/"+kinds[0])
	if !ok {
		b.unpriced(r, times(size)+"volume of unknown size")
		return
	}
	// https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html does not say of what kind they are.
	if size*gb > 0 {
		b.unpriced(r, fmt.Sprintf("%svolume of %g GB, of the kind that EKS chooses", times(size), gb))
	}
}

// freeDisk is how many GB of disk a task of Fargate has for nothing: https://aws.amazon.com/fargate/pricing/
const freeDisk = 20

// service adds the tasks of a service of ECS on Fargate; on instances, they cost nothing beside these.
func (b *biller) service(r *graph.Resource) {
	launch, strategies := graph.Text(r.Input("launchType")), graph.Items(r.Input("capacityProviderStrategies"))
	switch {
	case launch == "EC2":
		return
	case launch == "EXTERNAL":
		b.unpriced(r, "tasks outside of AWS, each by the hour")
		return
	case launch != "FARGATE":
		// Without a type, the cluster's own providers decide, or else it is EC2.
		one := len(strategies) == 1 && graph.Text(graph.At(strategies[0], "capacityProvider")) == "FARGATE"
		if !one {
			b.unpriced(r, "tasks of which it is not known what they run on, and whether on spot capacity")
			return
		}
	}
	tasks, ok := number(r, "desiredCount", 0)
	definition := b.graph.Resolve(r.Input("taskDefinition"), "aws:ecs/taskDefinition:TaskDefinition")
	if !ok || definition == nil || graph.Text(r.Input("schedulingStrategy")) == "DAEMON" {
		b.unpriced(r, "tasks of unknown number or size")
		return
	}
	cpu, memory := vCPUs(definition.Input("cpu")), gigabytes(definition.Input("memory"))
	if cpu == 0 || memory == 0 {
		b.unpriced(r, times(tasks)+"task of unknown size")
		return
	}
	kind, name := "fargate/", "Fargate"
	if family := graph.Text(definition.Input("runtimePlatform.operatingSystemFamily")); family != "" &&
		family != "LINUX" {
		b.unpriced(r, times(tasks)+"task of "+family)
		return
	}
	if graph.Text(definition.Input("runtimePlatform.cpuArchitecture")) == "ARM64" {
		kind, name = "fargate/arm/", "Fargate on Graviton"
	}
	b.hourly(r, fmt.Sprintf("vCPU of %s", name), tasks*cpu, kind+"vcpu")
	b.hourly(r, fmt.Sprintf("GB of memory of %s", name), tasks*memory, kind+"memory")
	if disk, ok := number(definition, "ephemeralStorage.sizeInGib", freeDisk); !ok {
		b.unpriced(r, times(tasks)+"disk of unknown size")
	} else if disk > freeDisk {
		b.hourly(r, "GB of disk of Fargate", tasks*(disk-freeDisk), "fargate/disk")
	}
	if graph.Is(r.Input("networkConfiguration.assignPublicIp"), true) {
		b.hourly(r, "public IPv4 address", tasks, "ipv4")
	}
}

// vCPUs and gigabytes read the sizes of a task, as 256 or ".25 vCPU", and 512 or "0.5 GB"; 0 is none:
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
func vCPUs(v any) float64 { return sized(v, "vcpu") }

func gigabytes(v any) float64 { return sized(v, "gb") }

func sized(v any, unit string) float64 {
	text := strings.ToLower(graph.Text(v))
	whole, isWhole := strings.CutSuffix(text, unit)
	n, ok := graph.Number(strings.TrimSpace(whole))
	switch {
	case !ok || n <= 0 || n > 1e6:
		return 0
	case isWhole:
		return n
	}
	return n / 1024
}
