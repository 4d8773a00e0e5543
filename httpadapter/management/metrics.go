package management

func readMetrics(c *call) (reply, error) {
	if c.cfg.Metrics == nil {
		return reply{}, notSupported()
	}
	return reply{handler: c.cfg.Metrics}, nil
}
