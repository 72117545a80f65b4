"""Documents as texts: files of many formats are read part by part, and cut into pieces that embed well."""
