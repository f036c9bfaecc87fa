package names

const AttrColor = "color"
