package orbit

type satelliteArgs struct {
	Batteries []SatelliteBattery `pulumi:"batteries"`
	Color     *string            `pulumi:"color"`
	Fuel      *SatelliteFuel     `pulumi:"fuel"`
	Height    *int               `pulumi:"height"`
	Name      string             `pulumi:"name"`
	Orbit     *string            `pulumi:"orbit"`
	Shield    *string            `pulumi:"shield"`
	Tags      map[string]string  `pulumi:"tags"`
}

type SatelliteArgs struct {
	Color pulumi.StringPtrInput `pulumi:"color"`
}

type SatelliteBattery struct {
	Capacity int `pulumi:"capacity"`
}

type SatelliteFuel struct {
	Amount int    `pulumi:"amount"`
	Kind   string `pulumi:"kind"`
}

type stationArgs struct {
	Crew  *int              `pulumi:"crew"`
	Docks []StationDock     `pulumi:"docks"`
	Flag  *string           `pulumi:"flag"`
	Name  string            `pulumi:"name"`
	Tags  map[string]string `pulumi:"tags"`
}

type StationDock struct {
	Size *string `pulumi:"size"`
}

type moonArgs struct {
	Name string `pulumi:"name"`
}
