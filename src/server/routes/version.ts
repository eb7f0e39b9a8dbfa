import type { Route } from '../route.ts'

export const version: Route = ({ version: versionText }) => Response.json({ version: versionText })
