"""The part of prefix.dev's GraphQL schema that a publisher has a use for."""

# Field names, types and nullability are prefix.dev's.
SDL = """
scalar DateTime

type Query {
  channel(name: String!): Channel
  package(channelName: String!, name: String!): Package
  variant(
    channelName: String!, packageName: String!, platformName: String!, fileName: String!
  ): PackageVariant
  viewer: User
  planAndUsage: PlanAndSubscription!
}

type Mutation {
  batchYankPackageVariants(
    channelName: String!, entries: [PackageVariantInput!]!, reason: String!, alsoHide: Boolean
  ): Boolean!
  batchUnyankPackageVariants(channelName: String!, entries: [PackageVariantInput!]!, alsoUnhide: Boolean): Boolean!
}

input PackageVariantInput {
  subdir: String!
  filename: String!
}

enum OrderDirection { ASC DESC }

input PackageOrderBy @oneOf { byField: PackageOrderByField }

input PackageOrderByField {
  direction: OrderDirection! = ASC
  field: PackageOrderByFieldField!
}

enum PackageOrderByFieldField { NAME LAST_CREATED_DATE TOTAL_SIZE }

input PackageVariantOrderBy @oneOf { byField: PackageVariantOrderByField }

input PackageVariantOrderByField {
  direction: OrderDirection! = ASC
  field: PackageVariantOrderByFieldField!
}

enum PackageVariantOrderByFieldField { BUILD_STRING CREATED_AT SIZE }

type Package {
  name: String!
  variants(
    limit: Int, page: Int, platform: String, includeHidden: Boolean, orderBy: PackageVariantOrderBy
  ): PackageVariantPageResult!
  platforms: [String!]!
}

type PackagePageResult {
  page: [Package!]!
  current: Int!
  pages: Int!
  totalCount: Int!
}

type PackageVariantPageResult {
  page: [PackageVariant!]!
  current: Int!
  pages: Int!
  totalCount: Int!
}

type Channel {
  name: String!
  channelPath: String!
  isPublic: Boolean!
  description: String
  createdAt: DateTime!
  baseUrl: String!
  owner: Owner
  packages(orderBy: PackageOrderBy, limit: Int, page: Int): PackagePageResult!
  size: Int!
  allowV3Uploads: Boolean!
}

type ChannelPageResult {
  page: [Channel!]!
  current: Int!
  pages: Int!
  totalCount: Int!
}

type PackageVariant {
  filename: String!
  buildString: String!
  buildNumber: Int!
  license: String
  createdAt: DateTime
  updatedAt: DateTime
  version: String!
  platform: String!
  size: Int
  md5: String
  sha256: String
  yankedReason: String
  hidden: Boolean!
  attestationsUrl: String!
  isDownloadBlocked: Boolean!
  activeQuarantines: [PublicQuarantine!]!
}

type PublicQuarantine {
  action: QuarantineAction!
  reason: String!
}

enum QuarantineAction { YANK DELETE }

interface Owner {
  name: String!
}

type User implements Owner {
  name: String!
  login: String!
  channels(limit: Int, page: Int): ChannelPageResult!
}

type PlanAndSubscription {
  usage: Usages!
}

type Usages {
  stats: [Usage!]!
}

type Usage {
  entityType: LimitEntityType!
  scope: VisibilityType
  used: Int!
  limit: Int
}

enum LimitEntityType { STORAGE CHANNELS MEMBERS PACKAGE_SIZE BILLED_GROUPS GROUP_MEMBERS }

enum VisibilityType { PUBLIC PRIVATE }
"""
