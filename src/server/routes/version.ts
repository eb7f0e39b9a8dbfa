import type { Route } from '../route.ts'
import type { AnyServedModel } from '../served-model.ts'

export const version: Route<AnyServedModel> = ({ version: versionText }) =>
  Response.json({ version: versionText })
